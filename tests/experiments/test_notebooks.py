"""Notebooks run with parameters: real papermill, real kernels, a scripted model server."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from tests.model_server import Capabilities
from workbench.errors import InvalidSettings, NotebookFailed, UnknownName
from workbench.experiments.notebooks import declared_parameters, find_notebook, parse_parameter, run_notebook
from workbench.experiments.reports import write_report
from workbench.record.run_file import RunFile


def notebook(path: Path, *sources: str, parameters: str | None = "n: int = 1  # how many") -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if parameters is not None:
        cells.insert(0, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    return path


def test_run_notebook_with_parameters(tmp_path):
    source = notebook(tmp_path / "double.ipynb", "2 * n")
    executed = run_notebook(source, tmp_path / "out", {"n": 21}, quiet=True)
    cells = nbformat.read(executed, as_version=4).cells
    assert executed == tmp_path / "out" / "double.ipynb"
    assert cells[-1].outputs[0].data["text/plain"] == "42"


def test_run_notebook_failure_keeps_what_was_done(tmp_path):
    source = notebook(tmp_path / "fails.ipynb", "print('before')", "1 / 0")
    with pytest.raises(NotebookFailed, match=r"fails.ipynb, cell 3: ZeroDivisionError: division by zero") as failure:
        run_notebook(source, tmp_path / "out", quiet=True)
    assert "before" in failure.value.path.read_text(encoding="utf-8")


def test_run_notebook_unknown_parameter_lists_those_there_are(tmp_path):
    source = notebook(tmp_path / "one.ipynb", "n")
    with pytest.raises(InvalidSettings, match="has no parameter steps; it has n"):
        run_notebook(source, tmp_path / "out", {"steps": 3})
    assert not (tmp_path / "out").exists()


def test_notebook_without_parameters_cell_is_refused(tmp_path):
    with pytest.raises(InvalidSettings, match="no cell tagged 'parameters'"):
        declared_parameters(notebook(tmp_path / "bare.ipynb", "1", parameters=None))


def test_file_that_is_no_notebook_is_refused(tmp_path):
    (tmp_path / "no.ipynb").write_text("hello", encoding="utf-8")
    with pytest.raises(InvalidSettings, match="is not a notebook"):
        declared_parameters(tmp_path / "no.ipynb")


def test_notebook_is_not_overwritten_by_its_own_run(tmp_path):
    source = notebook(tmp_path / "mine.ipynb", "n")
    with pytest.raises(InvalidSettings, match="would be overwritten"):
        run_notebook(source, tmp_path)


def test_kernel_that_dies_is_told(tmp_path):
    source = notebook(tmp_path / "dies.ipynb", "import os; os._exit(1)")
    with pytest.raises(NotebookFailed, match="its kernel did not live to the end"):
        run_notebook(source, tmp_path / "out", quiet=True)


@pytest.mark.parametrize("file", sorted(Path("notebooks").glob("*.ipynb")), ids=lambda file: file.stem)
def test_notebooks_run_from_top_to_bottom(file, server, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("WORKBENCH_MODEL", "scripted")
    cells = nbformat.read(file, as_version=4)
    NotebookClient(cells, resources={"metadata": {"path": tmp_path}}).execute()
    assert all(output.output_type != "error" for cell in cells.cells for output in cell.get("outputs", []))


def test_path_that_is_not_there_is_no_template(tmp_path):
    with pytest.raises(UnknownName, match="there is no notebook"):
        find_notebook(tmp_path / "focus_group.ipynb")


def test_unknown_notebook_lists_the_templates():
    with pytest.raises(UnknownName, match="there are focus_group"):
        find_notebook("nowhere")


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("False", False), ("None", None), ('["a"]', ["a"]), ("a: b", "a: b")],
)
def test_parse_parameter(text, value):
    assert parse_parameter(text) == value


def test_focus_group_template_leaves_everything(tmp_path, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("WORKBENCH_MODEL", "scripted")
    executed = run_notebook("focus_group", tmp_path, {"steps": 2, "topic": "Tea or coffee?"}, quiet=True)
    report = write_report(executed, tmp_path / "report.html").read_text(encoding="utf-8")
    transcript = pd.read_csv(tmp_path / "transcript.csv")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert RunFile.open(tmp_path / "run.sqlite").steps == 2
    assert (transcript["type"] == "TALK").sum() == 6
    assert len(scores) == 9
    assert "Tea or coffee?" in report
    assert "<script" not in report


def test_focus_group_template_second_run_asks_nobody(tmp_path, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("WORKBENCH_MODEL", "scripted")
    run_notebook("focus_group", tmp_path, {"steps": 1}, quiet=True)
    first = server.n_requests
    run_notebook("focus_group", tmp_path, {"steps": 1}, quiet=True)
    assert server.n_requests == first > 0


def test_key_is_in_nothing_that_is_written(tmp_path, model_server, monkeypatch):
    key = "sk-SECRET-0123456789abcdef"
    right, wrong = model_server(), model_server(capabilities=Capabilities(api_key="sk-another"))
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("WORKBENCH_MODEL", "scripted")
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_BASE_URL", right.base_url)
    write_report(run_notebook("focus_group", tmp_path / "right", {"steps": 1}, quiet=True), tmp_path / "right.html")
    monkeypatch.setenv("OPENAI_BASE_URL", wrong.base_url)
    with pytest.raises(NotebookFailed, match="API key was not accepted") as failure:
        run_notebook("focus_group", tmp_path / "wrong", {"steps": 1}, quiet=True)
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 8
    assert [file for file in written if key.encode() in file.read_bytes()] == []
    assert key not in str(failure.value)


def test_report_shows_hostile_output_as_text(tmp_path):
    source = notebook(
        tmp_path / "hostile.ipynb",
        "import workbench as wb\nwb.Person({'name': '<script>alert(1)</script>'})",
        "raise ValueError('<img src=x onerror=alert(1)>')",
    )
    with pytest.raises(NotebookFailed):
        run_notebook(source, tmp_path / "out", quiet=True)
    report = write_report(tmp_path / "out" / "hostile.ipynb", tmp_path / "r.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in report
    assert "<script" not in report
    assert "<img src=x" not in report


def test_report_loads_nothing_from_the_network(tmp_path):
    executed = run_notebook(notebook(tmp_path / "n.ipynb", "n"), tmp_path / "out", quiet=True)
    report = write_report(executed, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in report
    assert "http://" not in report.replace("http-equiv", "")
    assert "https://" not in report


def test_templates_are_clean():
    for template in Path("templates").glob("*.ipynb"):
        cells = json.loads(template.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells), template
