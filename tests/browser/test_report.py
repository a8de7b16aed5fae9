"""The HTML report, opened as a reader does: from a file, in a real browser."""

import nbformat
import pytest

from workbench.experiments.notebooks import run_notebook
from workbench.experiments.reports import write_report

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"


@pytest.fixture
def report(tmp_path, server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("WORKBENCH_MODEL", "scripted")
    executed = run_notebook("focus_group", tmp_path, {"steps": 1, "topic": HOSTILE}, quiet=True)
    return write_report(executed, tmp_path / "report.html")


async def test_report_opens_with_no_server_and_runs_nothing(page, report):
    await page.goto(report.as_uri())
    await page.get_by_role("heading", name="What was said").wait_for()
    assert await page.title() == "A focus group"
    assert await page.get_by_text(HOSTILE).count() == 1
    assert page.leaving == []
    assert page.faults == []


@pytest.mark.parametrize(
    ("page", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 25, 29)")], indirect=["page"]
)
async def test_report_follows_light_and_dark(page, paper, tmp_path):
    executed = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Tea")]), executed)
    await page.goto(write_report(executed, tmp_path / "report.html").as_uri())
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
