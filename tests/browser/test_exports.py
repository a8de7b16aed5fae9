"""Exported pages of hostile texts, opened as a reader does."""

import pandas as pd
import pytest

from tests.extraction.exporting.test_documents import HOSTILE
from workbench.extraction.documents import Document
from workbench.extraction.exporting.exporter import export

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "content",
    [HOSTILE, Document(HOSTILE, HOSTILE), pd.DataFrame({HOSTILE: [HOSTILE]})],
    ids=["text", "document", "table"],
)
async def test_page_of_a_hostile_content_runs_nothing_and_reaches_nobody(page, tmp_path, content):
    (path,) = export("hostile", content, to="html", folder=tmp_path)
    await page.goto(path.as_uri())
    title = await page.title()
    for element in await page.locator("body *").all():
        await element.dispatch_event("click")
        await element.dispatch_event("mouseover")
    assert await page.title() == title != "owned"
    assert page.url == path.as_uri()
    assert await page.locator("script, svg, img, iframe, body meta, [onclick], [onmouseover]").count() == 0
    assert page.leaving == []
    assert page.faults == []


@pytest.mark.parametrize(
    ("page", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 25, 29)")], indirect=["page"]
)
async def test_page_follows_light_and_dark_and_reads_from_the_right(page, paper, tmp_path):
    (path,) = export("text", "# عنوان\n\nمرحبا\n\n| a |\n|---|\n| أحب |", to="html", folder=tmp_path)
    await page.goto(path.as_uri())
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    assert await page.get_by_text("مرحبا").evaluate("one => getComputedStyle(one).direction") == "rtl"
    assert await page.get_by_text("أحب").evaluate("one => getComputedStyle(one).textAlign") == "start"
