"""The page in Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from explore.page.build import page
from tests.unit.explore.conftest import study_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from explore.study import Study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SOFTWARE_GL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE_GL)
        yield found
        found.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    opened: list[Page] = []
    faults: list[str] = []

    def shown(study: Study, *, scheme: str = "light", before: str = "") -> Page:
        file = tmp_path / "topics.html"
        file.write_bytes(page(study))
        context = browser.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 760}, offline=True)  # type: ignore[arg-type]
        found = context.new_page()
        opened.append(found)
        found.on("pageerror", lambda error: faults.append(str(error)))
        found.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        if before:
            found.add_init_script(before)
        found.goto(file.as_uri())
        found.wait_for_selector("html[data-ready]", state="attached")
        return found

    yield shown
    for each in opened:
        each.context.close()
    assert faults == []


def points(found: Page) -> bytes:
    """A picture of the points alone."""
    found.evaluate("document.getElementById('overlay').style.visibility = 'hidden'")
    return found.locator("#plot").screenshot()


def test_the_page_opens_with_its_documents_and_says_where_they_come_from(
    show: Callable[..., Page], studied: Study
) -> None:
    found = show(studied)

    assert found.title() == "4 topics of 120 documents"
    assert studied.vectors.model in found.inner_text("#provenance")
    assert "2 documents without a known word" in found.inner_text("#provenance")
    assert found.locator("#side button").count() == 4


def test_typing_a_word_finds_the_documents_and_enter_goes_to_the_first(
    show: Callable[..., Page], studied: Study
) -> None:
    found = show(studied)
    found.keyboard.press("/")
    expect(found.locator("#search")).to_be_focused()
    found.fill("#search", "anchor")
    expect(found.locator("#found")).to_contain_text("of 120 documents")
    number = int(found.inner_text("#found").split(" ")[0])
    found.keyboard.press("Enter")

    assert number == sum("anchor" in text or studied.vectors.labels[row] == "ships" for row, text in texts(studied))
    expect(found.locator("#tip")).to_be_visible()
    assert "ships" in found.inner_text("#tip")


def texts(study: Study) -> list[tuple[int, str]]:
    return [(row, study.snippets[study.vectors.ids[row]]) for row in range(len(study.vectors.ids))]


def test_all_of_it_works_without_a_mouse(show: Callable[..., Page], studied: Study) -> None:
    found = show(studied)
    found.focus("#plot")
    name, first, second = found.locator("#tip .id"), *studied.vectors.ids[:2]
    for key, expected in (("n", first), ("n", second), ("p", first)):
        found.keyboard.press(key)
        expect(name).to_have_text(expected)
        expect(found.locator("#found")).to_contain_text(expected)
    found.keyboard.press("Escape")
    found.wait_for_selector("#tip", state="hidden")
    found.focus("#tab-map")
    for view in ("topics", "labels", "groups"):
        found.keyboard.press("ArrowRight")
        assert found.is_visible(f"#view-{view}")
    found.keyboard.press("ArrowRight")
    assert found.is_visible("#plot")


def test_a_pointer_over_a_document_shows_it_and_a_click_keeps_it(show: Callable[..., Page], studied: Study) -> None:
    found = show(studied)
    found.focus("#plot")
    found.keyboard.press("n")
    name = found.inner_text("#tip .id")
    found.keyboard.press("Escape")
    expect(found.locator("#tip")).to_be_hidden()
    box = found.locator("#plot").bounding_box()
    assert box is not None
    found.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    found.wait_for_selector("#tip", state="visible")
    assert found.inner_text("#tip .id") == name
    found.mouse.down()
    found.mouse.up()
    found.mouse.move(box["x"] + 3, box["y"] + 3)

    assert found.inner_text("#tip .id") == name


def test_choosing_a_topic_in_the_legend_shows_its_documents_alone(show: Callable[..., Page], studied: Study) -> None:
    found = show(studied)
    before = points(found)
    found.locator("#side button").first.click()

    assert found.locator("#side button[aria-pressed=true]").count() == 1
    assert "40 of 120 documents" in found.inner_text("#found")
    assert points(found) != before


def test_colours_can_tell_labels_instead(show: Callable[..., Page], studied: Study) -> None:
    found = show(studied)
    found.check("input[value=label]")

    assert "fruit" in found.inner_text("#side")
    assert found.locator("#side button").count() == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_theme_and_its_own_switch(
    show: Callable[..., Page], studied: Study, scheme: str
) -> None:
    found = show(studied, scheme=scheme)
    other = {"light": "dark", "dark": "light"}[scheme]

    assert found.evaluate("document.documentElement.dataset.theme") == scheme
    ground = found.evaluate("getComputedStyle(document.body).backgroundColor")
    found.click("#theme")
    assert found.evaluate("document.documentElement.dataset.theme") == other
    assert found.evaluate("getComputedStyle(document.body).backgroundColor") != ground


def test_the_views_show_topics_labels_and_merge_advice(show: Callable[..., Page], studied: Study) -> None:
    found = show(studied)
    found.click("#tab-topics")
    assert found.locator(".card").count() == 4
    assert "anchor" in found.inner_text("#view-topics")
    found.click("#tab-labels")
    assert found.locator("tbody tr").count() == 3
    found.click("#tab-groups")
    assert found.locator("svg.tree text:not(.axis)").count() == 4
    assert "Merge 0" in found.inner_text(".advice")
    assert found.locator("path.advised").count() == 1


def test_a_typical_document_is_shown_on_the_map(show: Callable[..., Page], studied: Study) -> None:
    found = show(studied)
    found.click("#tab-topics")
    found.locator(".card li button").first.click()

    assert found.is_visible("#plot")
    expect(found.locator("#tip")).to_be_visible()


@pytest.mark.parametrize(
    ("painter", "before"),
    [
        ("webgl", ""),
        ("canvas", "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = "
         "function (kind, ...rest) { return kind === 'webgl' ? null : get.call(this, kind, ...rest); };"),
    ],
)  # fmt: skip
def test_points_are_drawn_with_and_without_webgl(
    show: Callable[..., Page], studied: Study, painter: str, before: str
) -> None:
    found = show(studied, before=before)

    assert found.get_attribute("#plot", "data-painter") == painter
    drawn = points(found)
    found.evaluate("document.getElementById('points').style.visibility = 'hidden'")
    assert points(found) != drawn


def test_twenty_thousand_documents_open_in_under_two_seconds(show: Callable[..., Page]) -> None:
    study = study_of(20_000)
    # The best of three: what else the machine does is not the page's.
    opened_ms = [int(show(study).evaluate("document.documentElement.dataset.ready")) for _ in range(3)]

    assert min(opened_ms) < 2000


@pytest.mark.slow
def test_a_hundred_thousand_documents_are_moved_smoothly(show: Callable[..., Page]) -> None:
    found = show(study_of(100_000))
    move = """async () => {
        const plot = document.getElementById("plot"), taken = [];
        for (let frame = 0; frame < 20; frame++) {
            const started = performance.now();
            plot.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
            await new Promise(requestAnimationFrame);
            taken.push(performance.now() - started);
        }
        return taken.sort((a, b) => a - b)[10];
    }"""
    # The best of three: what else the machine does is not the page's.
    script_ms = min(found.evaluate(move) for _ in range(3))

    # Chromium's software rasteriser stands in for a graphics card here: ten frames a second are its floor.
    assert script_ms < 100
