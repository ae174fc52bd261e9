"""The pages of both URLs in a browser: on a narrow screen, by their contents, and on paper."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from scripts import api_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDER = (
    "() => [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM)
        yield found
        found.close()


@pytest.fixture(params=["api.html", "similar.html"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    shown = context.new_page()
    shown.goto((api_page.DOCS / request.param).as_uri())
    yield shown
    context.close()


def test_nothing_is_wider_than_a_narrow_screen_or_paper(page: Page) -> None:
    assert page.evaluate(WIDER) == 0
    page.set_viewport_size({"width": 794, "height": 1123})
    page.emulate_media(media="print")
    assert page.evaluate(WIDER) == 0
    assert not page.locator("nav").is_visible()


def test_each_line_of_the_contents_leads_to_its_heading(page: Page) -> None:
    for link in page.locator("nav a[href^='#']").all():
        link.click()
        place = page.locator(f"main {link.get_attribute('href')}")
        assert place.is_visible()
        assert 0 <= (place.bounding_box() or {"y": -1})["y"] < 844
