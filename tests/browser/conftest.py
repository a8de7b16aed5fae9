"""A real browser: Debian's chromium, driven by playwright. It reaches nothing but this machine."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
async def page(request) -> AsyncIterator:
    """A page whose `leaving` lists requests that would leave the machine, and `faults` the errors of its scripts."""
    if not CHROMIUM:
        reason = "no chromium on this machine: apt-get install chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    async_api = pytest.importorskip("playwright.async_api")
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(color_scheme=getattr(request, "param", "light"))
        page.faults, page.leaving = [], []
        page.on("pageerror", lambda error: page.faults.append(str(error)))

        async def guard(route):
            url = route.request.url
            if url.startswith(("file:", "data:", "http://127.0.0.1", "http://localhost")):
                await route.continue_()
            else:
                page.leaving.append(url)
                await route.abort()

        await page.route("**/*", guard)
        yield page
        await browser.close()
