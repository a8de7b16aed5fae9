"""Documents: opened again by others' readers, in every script; and what a hostile text cannot do."""

import io
import json
import re
import warnings
import zipfile

import pytest
from docx import Document as WordDocument
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from workbench.errors import InvalidSettings, WorkbenchError
from workbench.extraction.documents import Document
from workbench.extraction.exporting import extras
from workbench.extraction.exporting.exporter import export
from workbench.extraction.exporting.manuscripts import ENDINGS
from workbench.html import runs_nothing

MARKDOWN = """
## Findings

Three of four **would buy** it, see [the method](#method).

![a chart](<chart 1.png>)

### 日本語の見出し

とても便利だと思います。😀

### عنوان

مرحبا بالعالم

| Person | Words |
|---|---|
| 花子 | 便利です |
| أحمد | أحب الطماطم |

## Method
"""
HOSTILE = """
# <script>document.title='owned'</script> {onclick="document.title='owned'"}

<img src=x onerror="document.title='owned'"> <svg onload="document.title='owned'"></svg>

[a](javascript:document.title='owned') [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>alert(1)</script>)
[d](file:///etc/passwd) [e]{onclick="document.title='owned'"} <span onclick="document.title='owned'">f</span>

![g](https://example.org/x.png) ![h](/etc/passwd) ![i](file:///etc/hostname) ![j](../../secret.png)

`#read("/etc/passwd")`{=typst} #read("/etc/passwd") \\input{/etc/passwd} $x$ #let a = 1 @nobody <label>

```{=typst}
#read("/etc/passwd")
```

```{=html}
<script>document.title='owned'</script>
```

<div style="position:fixed" onmouseover="document.title='owned'">k</div>

<meta http-equiv="refresh" content="0;url=https://example.org">

</textarea></div></body><script>document.title='owned'</script>
"""


@pytest.fixture
def chart():
    stream = io.BytesIO()
    Image.radial_gradient("L").resize((2400, 300)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def document(chart):
    return Document(MARKDOWN, "Gazpacho in bottles", {"chart 1.png": chart})


def test_docx_has_headings_cells_picture_and_every_script(tmp_path, document):
    (path,) = export("report", document, to=".docx", folder=tmp_path)
    opened = WordDocument(str(path))
    headings = [p.text for p in opened.paragraphs if p.style.name.lower().startswith("heading")]
    assert headings == ["Gazpacho in bottles", "Findings", "日本語の見出し", "عنوان", "Method"]
    cells = [[cell.text for cell in row.cells] for row in opened.tables[0].rows]
    assert cells == [["Person", "Words"], ["花子", "便利です"], ["أحمد", "أحب الطماطم"]]
    assert "とても便利だと思います。😀" in [p.text for p in opened.paragraphs]
    assert opened.core_properties.title == "Gazpacho in bottles"
    section = opened.sections[0]
    assert opened.inline_shapes[0].width <= section.page_width - section.left_margin - section.right_margin


def test_docx_sets_right_to_left_and_borders_and_the_font_of_japanese(tmp_path, document):
    (path,) = export("report", document, to="docx", folder=tmp_path)
    with zipfile.ZipFile(path) as parts:
        text, styles = (parts.read(f"word/{name}.xml").decode() for name in ("document", "styles"))
    arabic = [p for p in re.findall(r"<w:p>.*?</w:p>", text, re.DOTALL) if "مرحبا" in p or "أحمد" in p or "عنوان" in p]
    assert len(arabic) == 3
    assert all("<w:bidi />" in p and "<w:rtl />" in p for p in arabic)
    assert 'w:eastAsia="Yu Gothic"' in styles
    assert "insideH" in styles


def test_pdf_has_headings_cells_picture_and_every_script(tmp_path, document):
    (path,) = export("report", document, to="pdf", folder=tmp_path)
    pdf = PdfReader(path)
    text = "\n".join(page.extract_text() for page in pdf.pages)
    assert [entry["/Title"] for entry in _flat(pdf.outline)] == [
        *("Gazpacho in bottles", "Findings", "日本語の見出し", "عنوان", "Method"),
    ]
    for words in ("would buy", "とても便利だと思います。", "😀", "花子", "便利です", "1 / 1"):
        assert words in text
    assert set("مرحبا") <= set(text)
    assert pdf.metadata.title == "Gazpacho in bottles"
    assert [image.image.size for image in pdf.pages[0].images] == [(2400, 300)]


def _flat(outline):
    return [one for entry in outline for one in (_flat(entry) if isinstance(entry, list) else [entry])]


def test_pdf_has_its_fonts_in_it_the_japanese_ones_for_japanese(tmp_path):
    def fonts(text, **how):
        (path,) = export("text", text, to="pdf", folder=tmp_path, overwrite=True, **how)
        found = PdfReader(path).pages[0]["/Resources"]["/Font"]
        return {font.get_object()["/BaseFont"].partition("+")[2] for font in found.values()}

    assert any("CJKjp" in name for name in fonts("骨 ひ"))
    assert any("CJKsc" in name for name in fonts("骨"))
    assert any("CJKjp" in name for name in fonts("骨", lang="ja"))
    assert any("CJKtc" in name for name in fonts("骨", lang="zh-Hant"))
    assert any("Italic" in name for name in fonts("*a*"))


def test_pdf_names_letters_that_no_font_has(tmp_path):
    with pytest.warns(UserWarning, match=r"no font has 𐎀 \(U\+10380\)"):
        export("text", "𐎀 and a", to="pdf", folder=tmp_path)


def test_pdf_breaks_long_tables_over_pages_and_wraps_cells(tmp_path):
    rows = "".join(f"| {n} | {'word ' * 40} | {'x' * 90} |\n" for n in range(60))
    (path,) = export("text", f"| n | a | b |\n|---|---|---|\n{rows}", to="pdf", folder=tmp_path)
    pages = [page.extract_text() for page in PdfReader(path).pages]
    assert len(pages) > 3
    assert all(re.search(r"\bn\b\s+\ba\b\s+\bb\b", page) for page in pages)  # its head again on each


@pytest.mark.parametrize("ending", ["docx", "pdf", "html"])
def test_same_document_is_the_same_file(tmp_path, document, ending):
    first, second = (export("report", document, to=ending, folder=tmp_path / run)[0] for run in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_markdown_lies_beside_its_pictures_and_text_has_their_words(tmp_path, document, chart):
    markdown, text = export("report", document, to=["md", "txt"], folder=tmp_path)
    assert "# Gazpacho in bottles" in markdown.read_text()
    assert "![a chart](<report-pictures/chart 1.png>)" in markdown.read_text()
    assert (tmp_path / "report-pictures" / "chart 1.png").read_bytes() == chart
    assert "[a chart]" in text.read_text()
    assert "would buy" in text.read_text()


def test_html_is_one_page_that_runs_nothing_and_sets_directions(tmp_path, document):
    (path,) = export("report", document, to="html", folder=tmp_path)
    page = path.read_text()
    assert runs_nothing(page)
    assert 'src="data:image/png;base64,' in page.replace("\n", " ")
    assert re.search(r'dir="rtl">\s*<p>مرحبا', page)
    assert 'lang="ja"' in page


def test_text_without_a_title_is_called_by_the_name_of_its_file(tmp_path):
    html, pdf = export("My text", "Words.", to=["html", "pdf"], folder=tmp_path)
    assert "<title>My text</title>" in html.read_text()
    assert PdfReader(pdf).metadata.title == "My text"
    assert "<h1" not in html.read_text()


def test_picture_that_is_damaged_is_a_clear_error(tmp_path):
    with pytest.raises(WorkbenchError, match="typst could not set the document"):
        export("x", Document("![a](b)", pictures={"b": b"\x89PNG\r\n\x1a\nno more"}), to="pdf", folder=tmp_path)


def test_notebook_shows_a_document(document):
    assert "<strong>would buy</strong>" in document._repr_html_()


def test_picture_that_is_none_is_refused():
    with pytest.raises(InvalidSettings, match="neither PNG nor JPEG"):
        Document("![a](b)", pictures={"b": b"<svg/>"})


def test_missing_extra_is_named(monkeypatch):
    with pytest.raises(WorkbenchError, match=r'pip install "persona-workbench\[docs\]"'):
        extras.needed("workbench_has_no_such_package")


# Hostile texts


def test_hostile_html_has_no_element_attribute_or_address_of_the_text(tmp_path):
    (path,) = export("hostile", HOSTILE, to="html", folder=tmp_path)
    page = path.read_text()
    assert runs_nothing(page)
    body = page.partition("<body>")[2]
    elements = set(re.findall(r"<([a-z][a-z0-9]*)", body))
    assert elements <= {"h1", "p", "code", "pre", "br", "a", "em", "strong"}
    assert not re.search(r"<[^>]*\son\w+=", body)
    assert re.findall(r'(?:href|src)="([^"]*)"', body) == []
    assert "[h] (/etc/passwd)" in body


def test_hostile_text_injects_no_typst_and_reads_no_file(tmp_path):
    (path,) = export("hostile", HOSTILE, to="pdf", folder=tmp_path)
    text = "\n".join(page.extract_text() for page in PdfReader(path).pages)
    assert "root:" not in text
    assert text.count("#read") == 3
    assert len(PdfReader(path).pages[0].images) == 0


def test_hostile_docx_has_no_outside_parts(tmp_path):
    (path,) = export("hostile", HOSTILE, to="docx", folder=tmp_path)
    with zipfile.ZipFile(path) as parts:
        relations = parts.read("word/_rels/document.xml.rels").decode()
        assert 'TargetMode="External"' not in relations
        assert not [name for name in parts.namelist() if "media" in name]


@settings(max_examples=30, deadline=None)
@given(st.text(st.sampled_from("#[]{}()<>@$*_`~\\/\"'=;:!|\n -+1a日م\0\x01\u202e"), max_size=60))
def test_any_text_can_be_set(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("out")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pdf, docx, html = export("x", Document(text, text), to=["pdf", "docx", "html"], folder=folder)
    assert pdf.read_bytes().startswith(b"%PDF")
    assert WordDocument(str(docx)).core_properties.title is not None
    assert runs_nothing(html.read_text())


@pytest.mark.parametrize(
    "text", [">" * 5000 + "a", "[" * 5000, "*" * 5000 + "a", "\n".join("  " * n + "- a" for n in range(900))]
)
def test_text_that_nests_without_end_is_set_or_a_clear_error(tmp_path, text):
    try:
        (path,) = export("deep", text, to="html", folder=tmp_path)
    except WorkbenchError as error:
        assert "too deeply" in str(error)  # noqa: PT017
    else:
        assert path.is_file()


def test_language_that_is_none_is_refused(tmp_path):
    with pytest.raises(InvalidSettings, match="BCP 47"):
        export("x", "a", lang='en", dir: rtl', folder=tmp_path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_empty_text_is_an_empty_document(tmp_path, ending):
    (path,) = export("empty", "", to=ending, folder=tmp_path)
    assert path.is_file()


def test_metadata_of_csv_are_in_the_standard_form(tmp_path):
    import pandas as pd

    (path,) = export("t", pd.DataFrame({"a": [1], "b": ["x"]}), to="csv", folder=tmp_path)
    data = json.loads((tmp_path / "t.csv-metadata.json").read_text())
    assert data["@context"] == "http://www.w3.org/ns/csvw"
    assert data["url"] == path.name
    assert [column["datatype"] for column in data["tableSchema"]["columns"]] == ["integer", "string"]
