import io
import os
import stat
import struct
import time
import zipfile
import zlib
from types import SimpleNamespace

import pytest

from workbench.agents.grounding import reading
from workbench.agents.grounding.reading import SUFFIXES, convert_document, decode_text, read_document
from workbench.errors import UnreadableDocument

TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
RELATIONS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
 Target="word/document.xml"/></Relationships>"""
SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def word(text="The tea is cold.", *, before="", **others):
    document = f"{before}<w:document {SPACE}><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    members = {"[Content_Types].xml": TYPES, "_rels/.rels": RELATIONS, "word/document.xml": document, **others}
    return zipped(members)


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def pdf(text="", *, packed=None, encrypted=False):
    """Return a PDF of one page, written by hand."""
    shown = packed or f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode()
    coding = b"/Filter/FlateDecode" if packed else b""
    protection = b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"41" * 32, b"42" * 32)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(shown), coding, shown),
        protection,
    ]
    made, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    lock = b"/Encrypt 6 0 R/ID[<00><00>]" if encrypted else b""
    end = b"xref\n0 7\n0000000000 65535 f \n%strailer<</Size 7/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF"
    return made + end % (table, lock, len(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("documents")


@pytest.fixture
def file(folder):
    def write(name, content):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path, **options):
    with pytest.raises(UnreadableDocument) as caught:
        read_document(path, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


# plain text


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_read_in_every_marked_encoding(file, coding):
    assert read_document(file(f"{coding}.txt", "naïve café".encode(coding))) == "naïve café"


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Élodie préfère être près de la forêt, où l'été dure à jamais.\n" * 5, "cp1252"),
        ("El niño comió piña en España; ¿qué pasó después?\n", "cp1252"),
        ("naïve café", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy a šel domů.\n" * 4, "cp1250"),
        ("Съешь ещё этих мягких французских булок, да выпей чаю.\n" * 4, "cp1251"),
        ("今日は雨です。明日は晴れるでしょう。\n" * 4, "shift_jis"),
    ],
)
def test_text_of_an_old_encoding_is_guessed(file, text, coding):
    pytest.importorskip("charset_normalizer")
    assert read_document(file("old.md", text.encode(coding))) == text


@pytest.mark.parametrize("content", [b"a\0b", bytes(range(256)) * 40, "a\0b".encode("utf-16")])
def test_binary_data_in_a_text_file_is_refused(file, content):
    assert "binary data" in refused(file("binary.txt", content))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused(file, suffix):
    assert "holds no text" in refused(file(f"empty{suffix}", b" \n"))


def test_a_table_of_values_is_returned_as_it_is(file):
    table = 'name;age\n"A|da";36\n'
    assert read_document(file("table.csv", table)) == table


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "zlib", "no-such", "a\0b", "x" * 1000])
def test_a_charset_that_is_none_is_ignored(charset):
    assert decode_text("é".encode(), "x", charset=charset) == "é"


def test_a_text_that_is_too_long_is_refused(file, monkeypatch):
    monkeypatch.setattr(reading, "MAX_TEXT", 10)
    assert "split it" in refused(file("long.txt", "x" * 11))


# what is no document


def test_a_missing_file_is_named(folder):
    assert "no such file" in refused(folder / "nowhere.txt")


def test_an_unknown_ending_names_the_known_ones(folder):
    assert ".pptx" in refused(folder / "sheet.xlsx")


def test_a_folder_is_refused(folder):
    (folder / "folder.txt").mkdir()
    assert "is a folder" in refused(folder / "folder.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_are_refused_at_once(folder, kind):
    path = folder / f"{kind}.txt"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert "device" in refused(path)


def test_a_link_to_a_file_is_read(file, folder):
    (folder / "link.txt").symlink_to(file("linked.txt", "here"))
    assert read_document(folder / "link.txt") == "here"


def test_a_path_with_a_nul_is_refused():
    with pytest.raises(UnreadableDocument, match="cannot be opened"):
        read_document("a\0b.txt")


def test_a_large_file_is_refused_before_it_is_read(folder):
    with (folder / "large.pdf").open("wb") as file:
        file.truncate(200_000_000)
    assert "200,000,000 bytes are too many" in refused(folder / "large.pdf")


@pytest.mark.parametrize(
    ("name", "content", "looks"),
    [
        ("a.docx", b"%PDF-1.4\n", "a PDF file"),
        ("a.pdf", b"just text", "plain text"),
        ("b.pdf", b"<!doctype html><p>", "a web page"),
        ("c.pdf", b"PK\x03\x04", "a zip archive"),
        ("a.pptx", b"\xd0\xcf\x11\xe0\xa1", "with a password"),
        ("a.txt", b"%PDF-1.4\n", "a PDF file"),
        ("a.html", b"\x89PNG\r\n", "a picture"),
        ("d.pdf", b"\0\1\2", "binary data"),
    ],
)
def test_a_wrong_ending_says_what_the_file_looks_like(file, name, content, looks):
    assert looks in refused(file(name, content))


# Word, PowerPoint, PDF and HTML


@pytest.fixture
def markitdown():
    pytest.importorskip("markitdown")


def test_without_the_extra_the_error_says_what_to_install(file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "markitdown", None)
    assert 'pip install "persona-workbench[docs]"' in refused(file("extra.pdf", pdf("x")))


@pytest.mark.parametrize(
    ("name", "make"), [("tea.docx", lambda: word()), ("tea.PDF", lambda: pdf("The tea is cold.")), ("tea.pptx", None)]
)
def test_a_document_is_read(markitdown, file, name, make):
    if make is None:
        presentation = pytest.importorskip("pptx").Presentation()
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = "The tea is cold."
        presentation.save(made := io.BytesIO())
        make = made.getvalue
    assert "The tea is cold." in read_document(file(name, make()))


def test_a_page_is_markdown_in_its_own_encoding(markitdown):
    page = '<meta charset="iso-8859-1"><h1>Café</h1><script>evil()</script><p>“tea”'.encode("cp1252")
    assert convert_document(page, ".html", "page") == "# Café\n\n“tea”"


def test_deep_nesting_ends_neither_process(markitdown):
    assert convert_document(b"<div>" * 30_000 + b"deep", ".html", "page").strip() == "deep"


def test_a_pdf_with_a_password_says_so(markitdown, file):
    assert "password" in refused(file("locked.pdf", pdf("x", encrypted=True)))


def test_a_scanned_pdf_says_so(markitdown, file):
    assert "OCR" in refused(file("scan.pdf", pdf("")))


@pytest.mark.slow
def test_a_pdf_that_unpacks_to_too_much_ends_only_its_own_process(markitdown, file):
    deflate = zlib.compressobj(9)
    begin, again = (deflate.compress(bytes(1_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    packed = begin + again * 2500
    refused(file("bomb.pdf", pdf(packed=packed)))


def test_a_conversion_that_takes_too_long_is_ended(markitdown, file):
    before = time.monotonic()
    assert "more than 0.05 seconds" in refused(file("slow.docx", word()), timeout=0.05)
    assert time.monotonic() - before < 5


def bomb(megabytes):
    return zipped({"word/document.xml": bytes(megabytes * 1_000_000)})


def lying(data):
    """Return an archive whose directory and headers say that every member has 100 bytes."""
    data = bytearray(data)
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.find(sign) + place, 100)
    return bytes(data)


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("name", "make", "why"),
    [
        ("bomb", lambda: bomb(400), "unpack to 400,000,000"),
        ("ratio", lambda: bomb(60), "unpack to 60,000,000"),
        ("lying", lambda: lying(bomb(60)), "smaller than it is"),
        ("entities", lambda: word("&b;", before=ENTITIES), "declares XML entities"),
        ("truncated", lambda: word()[:-60], "is damaged"),
        ("slides", lambda: zipped({"ppt/presentation.xml": "<x/>"}), "a PowerPoint file"),
    ],
)
def test_a_hostile_office_file_is_refused(markitdown, file, name, make, why):
    assert why in refused(file(f"{name}.docx", make()))


def test_the_converter_knows_no_keys(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert "secret" not in reading._environment().values()


def test_a_document_in_memory_is_named_as_told():
    with pytest.raises(UnreadableDocument, match=r"^the page: "):
        convert_document(b"\0", ".txt", "the page")


def test_what_grows_while_it_is_read_is_refused(folder, monkeypatch):
    path = folder / "grows.txt"
    path.write_text("x" * 11)
    monkeypatch.setattr(os, "fstat", lambda _: SimpleNamespace(st_mode=stat.S_IFREG, st_size=1))
    with pytest.raises(UnreadableDocument, match="grew"):
        read_document(path, max_bytes=10)
