"""`export`: where files go, under which names, all or none; and what can be written as what."""

from contextlib import closing
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cast import does, llm_at, play, talk, turn, world_at
from workbench.agents.tools.word_processor import WordProcessor
from workbench.errors import DamagedFile, ExportExists, InvalidSettings, StorageError, UnknownName
from workbench.extraction.documents import Document
from workbench.extraction.exporting.exporter import export
from workbench.extraction.exporting.table_reading import read_table
from workbench.extraction.exporting.table_writing import ENDINGS
from workbench.extraction.rewritten_text import RewrittenText
from workbench.record.run_file import RunFile

TABLE = pd.DataFrame({"idea": ["=HYPERLINK(1)", "b|c\nd"], "n": [1, 2]})
NAMES = [
    "../../x",
    "CON",
    "a" * 300,
    "a\nb",
    "<script>",
    "a\0b",
    "",
    "...",
    "x . ",
    "con.txt",
    "／etc",
    "e\u0301",
    "/etc/x",
]


# Names


@pytest.mark.parametrize("name", NAMES)
def test_hostile_name_stays_in_the_folder(tmp_path, name):
    folder = tmp_path / "a" / "b"
    paths = export(name, TABLE, to=["csv", "md"], folder=folder)
    assert {path.parent for path in paths} == {folder}
    assert {path.resolve().parent for path in folder.iterdir()} == {folder.resolve()}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=90) | st.sampled_from(NAMES))
def test_whatever_the_name_every_path_is_inside_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("out")
    (path,) = export(name, "text", folder=folder)
    assert path.is_file()
    assert path.resolve().parent == folder.resolve()
    assert [one.name for one in folder.iterdir()] == [path.name]


def test_ending_in_the_name_is_not_said_twice(tmp_path):
    assert [p.name for p in export("t.csv", TABLE, to=[".CSV", "csv"], folder=tmp_path)] == ["t.csv"]


def test_files_that_are_there_are_named_and_nothing_is_written(tmp_path):
    (tmp_path / "t.md").write_text("mine")
    (tmp_path / "t.csv-metadata.json").write_text("mine")
    with pytest.raises(ExportExists, match=r"t\.md.*Nothing was written") as error:
        export("t", TABLE, to=["jsonl", "md", "csv"], folder=tmp_path)
    assert {path.name for path in error.value.paths} == {"t.md", "t.csv-metadata.json"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv-metadata.json", "t.md"]
    export("t", TABLE, to=["jsonl", "md", "csv"], folder=tmp_path, overwrite=True)
    assert (tmp_path / "t.md").read_text() != "mine"


def test_link_that_leads_elsewhere_is_replaced_and_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "t.md").symlink_to(outside)
    with pytest.raises(ExportExists):
        export("t", "text", folder=folder)
    export("t", "text", folder=folder, overwrite=True)
    assert outside.read_text() == "mine"


def test_one_format_that_fails_leaves_none(tmp_path):
    frame = pd.DataFrame({"a": ["x" * 40_000]})
    with pytest.raises(InvalidSettings, match=r"row 0 of 'a' has 40,000 characters"):
        export("t", frame, to=["csv", "xlsx"], folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Half surrogates, which no file holds

HALF = pd.DataFrame({"a": pd.Series(["x\ud800"], dtype=object), "b": [["\ud800"]], "c": [{"k\ud800": 1}]})


@pytest.mark.parametrize("to", ["md", "txt", "html", "docx", "pdf"])
@pytest.mark.parametrize(
    "content", ["a\ud800b", Document("a\ud800b", "ti\ud800tle"), HALF], ids=["text", "titled", "table"]
)
def test_documents_have_a_replacement_for_half_a_character(tmp_path, content, to):
    (path,) = export("x\ud800y", content, to=to, folder=tmp_path)
    assert path.name == f"xy.{to}"
    if to in ("md", "txt", "html"):
        assert "�" in path.read_text()


@pytest.mark.parametrize("to", ENDINGS)
@pytest.mark.parametrize(
    "frame",
    [HALF[["a"]], HALF[["b"]], HALF[["c"]], pd.DataFrame([[1]], columns=pd.Index(["n\ud800"], dtype=object))],
    ids=["cell", "list", "key", "name"],
)
def test_table_of_data_with_half_a_character_is_refused_in_every_format(tmp_path, frame, to):
    with pytest.raises(InvalidSettings, match="half of a surrogate pair"):
        export("x", frame, to=to, folder=tmp_path)
    assert not list(tmp_path.iterdir())


# What can be written as what


@pytest.mark.parametrize(
    ("content", "to", "can"),
    [
        ("text", "parquet", "a text cannot be written as parquet; it can be as docx, html, md, pdf, txt"),
        (TABLE, "chat", "a table cannot be written as chat"),
        ("text", "../x", "cannot be written as"),
        (7, "md", "int cannot be exported"),
        ([], "chat", "list cannot be exported"),
        ("text", [], "give one ending"),
        (TABLE.rename(columns={"n": 1}), "csv", "columns need texts"),
        (TABLE.rename(columns={"n": "idea"}), "csv", "columns of the same name"),
        (pd.DataFrame(), "csv", "without columns"),
        (pd.DataFrame({"a": [object()]}), "jsonl", "object values"),
        (pd.DataFrame({"a": ["\ud800"]}, dtype=object), "csv", "surrogate"),
        (pd.DataFrame({"a": [[1], (1,)]}), "csv", "lists and tuples side by side"),
        (pd.DataFrame({"a": pd.period_range("2025", periods=1)}), "csv", "cannot be read back"),
    ],
)
def test_what_makes_no_sense_says_what_does(tmp_path, content, to, can):
    with pytest.raises(InvalidSettings, match=can):
        export("x", content, to=to, folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wrong", "needed"),
    [
        ({"name": None}, "name=None: give a text"),
        ({"name": Path("x")}, "name=.*folder= says where"),
        ({"to": None}, "to=None: give one ending"),
        ({"to": 7}, "to=7: give one ending"),
        ({"to": ["md", 7]}, "give one ending"),
        ({"folder": None}, "folder=None: give the path"),
        ({"folder": b"x"}, "give the path of a folder"),
        ({"folder": ""}, "give the path of a folder"),
        ({"folder": "a\0b"}, "give the path of a folder"),
        ({"folder": "a\ud800b"}, "give the path of a folder"),
        ({"folder": "~nobody-is-called-so/x"}, "folder="),
        ({"overwrite": 1}, "overwrite=1: True or False"),
        ({"overwrite": "yes"}, "overwrite='yes': True or False"),
        ({"system": None}, "system=None: True or False"),
        ({"thoughts": 0}, "thoughts=0: True or False"),
        ({"lang": 7}, "lang=7: give a language"),
        ({"lang": ""}, "lang='': give a language"),
    ],
)
def test_arguments_that_are_none_say_what_is_needed(tmp_path, wrong, needed):
    with pytest.raises(InvalidSettings, match=needed):
        export(**{"name": "x", "content": "text", "folder": tmp_path, **wrong})
    assert not list(tmp_path.iterdir())


def test_folder_with_too_long_a_name_is_a_clear_error(tmp_path):
    with pytest.raises(StorageError, match="name too long"):
        export("x", "text", folder=tmp_path / ("x" * 5_000))


def test_folder_of_ones_own_is_meant_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert export("x", "text", folder="~/out") == [tmp_path / "out" / "x.md"]


@pytest.mark.parametrize("to", [*ENDINGS, "md"])
def test_cells_that_nest_too_deeply_are_refused(tmp_path, to):
    cell = []
    for _ in range(3_000):
        cell = [cell]
    with pytest.raises(InvalidSettings, match="nest too deeply"):
        export("x", pd.DataFrame({"a": [cell]}), to=to, folder=tmp_path)


@pytest.mark.parametrize("to", ["csv", "parquet", "xlsx", "md"])
def test_number_that_python_itself_cannot_write_is_refused(tmp_path, to):
    with pytest.raises(InvalidSettings, match="column 'a' has a number of more than 4,000 digits"):
        export("x", pd.DataFrame({"a": pd.Series([10**5_000], dtype=object)}), to=to, folder=tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"markdown": None}, {"markdown": b"x"}, {"title": None}, {"title": 3}, {"pictures": None}),
        *({"pictures": ["a"]}, {"pictures": {"a": "text"}}, {"pictures": {1: b"\xff\xd8\xff"}}),
    ],
)
def test_document_that_is_none_says_what_it_needs(wrong):
    with pytest.raises(InvalidSettings, match=r"Document|picture"):
        Document(**{"markdown": "x", **wrong})


def test_row_labels_with_a_name_are_columns_and_those_of_a_filter_are_not(tmp_path):
    export("named", TABLE.set_index("idea"), to="csv", folder=tmp_path)
    export("filtered", TABLE[TABLE.n > 1], to="csv", folder=tmp_path)
    assert list(read_table(tmp_path / "named.csv")) == ["idea", "n"]
    assert read_table(tmp_path / "filtered.csv").to_dict("records") == [{"idea": "b|c\nd", "n": 2}]


def test_tables_are_read_by_plain_pandas(tmp_path):
    export("t", TABLE.assign(evidence=[[1, 2], [3]]), to=ENDINGS, folder=tmp_path)
    assert pd.read_csv(tmp_path / "t.csv").evidence.tolist() == ["[1, 2]", "[3]"]
    assert pd.read_json(tmp_path / "t.jsonl", lines=True).evidence.tolist() == [[1, 2], [3]]
    assert pd.read_json(tmp_path / "t.json").n.tolist() == [1, 2]
    assert [list(cell) for cell in pd.read_parquet(tmp_path / "t.parquet").evidence] == [[1, 2], [3]]
    assert pd.read_excel(tmp_path / "t.xlsx").idea.tolist() == TABLE.idea.tolist()


def test_workbook_has_no_formula_and_the_same_bytes_each_time(tmp_path):
    paths = [export("t", TABLE, to="xlsx", folder=tmp_path / run)[0] for run in "ab"]
    cells = [cell for row in openpyxl.load_workbook(paths[0]).worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_table_without_metadata_is_read_as_pandas_does(tmp_path):
    for ending in ENDINGS:
        export("t", TABLE, to=ending, folder=tmp_path)
    for path in tmp_path.glob("*-metadata.json"):
        path.unlink()
    for ending in ("csv", "json", "jsonl"):
        assert read_table(tmp_path / f"t.{ending}").n.tolist() == [1, 2]


def test_table_that_is_not_what_its_metadata_say_is_an_error(tmp_path):
    (path,) = export("t", TABLE, to="csv", folder=tmp_path)
    path.write_text("idea,n\na,no number\n")
    with pytest.raises(DamagedFile, match=r"no number.*Move t\.csv-metadata\.json away"):
        read_table(path)
    path.write_text("other,n\na,1\n")
    with pytest.raises(DamagedFile, match="its metadata say"):
        read_table(path)
    with pytest.raises(UnknownName, match="no table"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InvalidSettings, match="tables are read from"):
        read_table(tmp_path / "x.doc")


@pytest.mark.parametrize("wrong", [None, 7, b"t.csv", ["t.csv"], TABLE])
def test_path_of_a_table_that_is_none_says_what_is_needed(wrong):
    with pytest.raises(InvalidSettings, match="give the path of a table's file"):
        read_table(wrong)


def test_table_as_a_document_has_its_cells_as_they_are(tmp_path):
    from docx import Document as WordDocument

    paths = export("Ideas", TABLE, to=["docx", "md", "txt", "html"], folder=tmp_path)
    rows = [[cell.text for cell in row.cells] for row in WordDocument(str(paths[0])).tables[0].rows]
    assert rows == [["idea", "n"], ["=HYPERLINK(1)", "1"], ["b|c\nd", "2"]]
    for path in paths[1:]:
        assert "HYPERLINK" in path.read_text()


def test_table_that_no_data_file_holds_is_a_document_all_the_same(tmp_path):
    frame = pd.DataFrame({3: pd.cut([1, 5], [0, 3, 6]), ("a", "b"): [{1}, {2}]})
    (path,) = export("cells", frame, to="md", folder=tmp_path)
    assert path.read_text().split()[2:7] == ["|", "3", "|", "a", "·"]
    assert "{1}" in path.read_text()


# Runs and what was written in them


async def test_run_is_a_report_a_table_and_a_path_of_one_is_too(server_of, tmp_path):
    world = await server_of
    paths = export("run", world, to=["md", "txt", "html", "docx", "pdf", "csv"], folder=tmp_path)
    text = paths[0].read_text()
    assert "# Kitchen" in text
    assert "How the run was made" in text
    assert "**Ann:** I would *not* buy it".replace("*not*", r"\*not\*") in text
    assert read_table(paths[-1]).equals(world.transcript())
    again = export("again", Path(world.record), to=["md"], folder=tmp_path)
    assert again[0].read_text() == text


async def test_only_what_is_asked_for_is_made_of_a_run(server_of, tmp_path):
    class OnlyEvents(RunFile):
        people = property(lambda _: pytest.fail("nobody asked for people"))

        def perceived_by(self, name):
            pytest.fail(f"nobody asked for the view of {name}")

    world = await server_of
    with closing(OnlyEvents.open(world.record)) as file:
        (path,) = export("run", file, to="csv", folder=tmp_path)
    assert read_table(path).equals(world.transcript())


async def test_run_has_the_same_page_whatever_else_is_written(server_of, tmp_path):
    world = await server_of
    (alone,) = export("alone", world, to="html", folder=tmp_path)
    assert export("run", world.file, to=["docx", "html"], folder=tmp_path)[1].read_text() == alone.read_text()
    assert export("page", str(world.record), to="html", folder=tmp_path)[0].read_text() == alone.read_text()


@pytest.fixture
def server_of(model_server, tmp_path):
    async def run():
        server = model_server(play(Ann=turn(talk("I would *not* buy it | <b>"))))
        world = world_at(server, "Ann", "Bob", record=tmp_path / "run.sqlite", llm=llm_at(server))
        world.broadcast("Would you buy it?")
        await world.run(1, live=False)
        return world

    return run()


async def test_word_processor_is_a_folder_of_its_documents_all_different(model_server, tmp_path):
    titles = ["../../x", "Plan 1", "PLAN: 1", "CON"]
    written = [turn(does("WRITE_DOCUMENT", title=title, text="# <b>A</b>\n\nText.")) for title in titles]
    server = model_server(play(Ann=written))
    tool = WordProcessor()
    world = world_at(server, "Ann", tools=[tool])
    await world.run(4, live=False)
    paths = export("documents", tool, to=["md", "docx"], folder=tmp_path)
    assert len(tool.documents) == 4
    assert len({path.name.casefold() for path in paths}) == 8
    assert {path.parent for path in paths} == {tmp_path / "documents"}
    (one,) = export("one", tool.documents[0], to="html", folder=tmp_path)
    assert "<h1" in one.read_text()
    with pytest.raises(InvalidSettings, match="cannot be written as csv"):
        export("documents", tool, to="csv", folder=tmp_path)


def test_word_processor_without_documents_says_so(tmp_path):
    with pytest.raises(InvalidSettings, match="nothing was written"):
        export("documents", WordProcessor(), folder=tmp_path)


def test_text_that_was_rewritten_is_exported_as_its_text(tmp_path):
    text = RewrittenText("Cold soup!", "Soup.", "restyle", (), 1, "")
    (path,) = export("ad", text, to="md", folder=tmp_path)
    assert path.read_text(encoding="utf-8") == "Cold soup!\n"


def test_what_has_a_table_of_its_own_says_so(tmp_path):
    with pytest.raises(InvalidSettings, match=r"to_frame\(\) is a table"):
        export("s", pd.Series([1]), to="csv", folder=tmp_path)
