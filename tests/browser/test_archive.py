"""The report of a packed run, opened from the unpacked folder, where everybody in the run was hostile."""

import pytest
from PIL import Image

from tests.agents.test_seeing import eyes
from tests.cast import llm_at, talk, think, turn, world_at
from workbench.worlds.archives import pack, unpack

pytestmark = pytest.mark.browser

OWNED = "document.title = 'owned'"
HOSTILE = (
    f'</title></div><script>{OWNED}</script><img src=https://example.org/x.png onerror="{OWNED}">'
    f"<svg onload=\"{OWNED}\"><meta http-equiv='refresh' content='0;url=https://example.org'>"
    "<link rel=stylesheet href=https://example.org/x.css>"
)


@pytest.fixture
async def report(tmp_path, model_server):
    Image.radial_gradient("L").convert("RGB").save(tmp_path / "ad.png")
    server = model_server(eyes(**{HOSTILE: turn(talk(HOSTILE), think(HOSTILE), emotions=HOSTILE)}))
    llm = llm_at(server, cache=tmp_path / "calls")
    world = world_at(server, HOSTILE, llm=llm, description=HOSTILE, record=tmp_path / "run.sqlite")
    world.name = HOSTILE
    world.person(HOSTILE).define(HOSTILE.replace(".", ""), HOSTILE).see(tmp_path / "ad.png", HOSTILE)
    world.broadcast(HOSTILE, HOSTILE)
    await world.run(1, live=False)
    world.file.note(name=HOSTILE, lineage=[{"run": HOSTILE, "step": 1}], seed=HOSTILE, planned=9)
    return unpack(pack(world)) / "report.html"


async def test_report_of_hostile_people_runs_nothing_and_reaches_nobody(page, report):
    await page.goto(report.as_uri())
    await page.get_by_role("heading", name="What happened").wait_for()
    await page.get_by_text("all facts").click()
    assert await page.title() == HOSTILE
    assert await page.get_by_text(HOSTILE, exact=True).count() >= 5
    assert await page.locator("script, svg, link, body meta").count() == 0
    assert page.leaving == []
    assert page.faults == []


async def test_report_shows_the_picture_small_and_without_a_server(page, report):
    await page.goto(report.as_uri())
    picture = page.get_by_alt_text("the picture, small")
    assert await picture.evaluate("image => image.complete && image.naturalWidth") == 96


@pytest.mark.parametrize(
    ("page", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 25, 29)")], indirect=["page"]
)
async def test_report_follows_light_and_dark(page, paper, report):
    await page.goto(report.as_uri())
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
