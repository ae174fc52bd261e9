"""The audit's page in Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from audit import report
from audit.assembly import Assembly
from audit.origin import Origin

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH: apt-get install chromium")
OFF = """id => {
  const target = document.getElementById(id), box = target.getBoundingClientRect(), bar = document.querySelector("nav");
  const covered = getComputedStyle(bar).position === "sticky" ? bar.getBoundingClientRect().bottom : 0;
  const wanted = target.tagName === "SECTION" ? covered : (innerHeight + covered) / 2;
  const highest = document.documentElement.scrollHeight - innerHeight;
  if (scrollY < highest - 1) return Math.abs(box.top - wanted);
  return box.top >= covered && box.top < innerHeight ? 0 : 1e6;
}"""
"""How many pixels what a link names is from where it should be; at the end of the page it must only be in sight."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM)
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(dev: Assembly, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a stage with findings."""
    folder = tmp_path_factory.mktemp("page") / "audit"
    report.write(dev, folder, None, Origin())
    return (folder / "index.html").as_uri()


@pytest.fixture
def show(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    width = getattr(request, "param", 1600)
    page = browser.new_page(viewport={"width": width, "height": 900}, offline=True)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert faults == []


@pytest.mark.parametrize("show", [1600, 390], indirect=True)
def test_links_land_where_they_say_one_after_the_other(show: Page) -> None:
    targets = show.eval_on_selector_all(
        'main td a[href^="#"], nav a, svg a', "links => links.map(link => link.getAttribute('href').slice(1))"
    )
    every = list(dict.fromkeys(targets))
    chosen = [*every[:: len(every) // 25], *[target for target in every if not re.search(r"\d", target)]]
    off = {}
    for target in chosen:
        show.evaluate(
            "id => document.querySelector(`a[href='#${id}']`).dispatchEvent("
            "new MouseEvent('click', {bubbles: true, cancelable: true}))",
            target,
        )
        show.wait_for_function("id => location.hash === `#${id}`", arg=target)
        show.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        off[target] = show.evaluate(OFF, target)

    assert len(off) > 25
    assert {target: px for target, px in off.items() if px >= 100} == {}


def test_an_address_with_a_line_opens_the_page_at_that_line(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1600, "height": 900})
    page.goto(f"{address}#Serving-900")

    assert page.evaluate(OFF, "Serving-900") < 100
    page.close()


def test_a_click_on_the_link_to_where_one_was_leads_there_again(show: Page) -> None:
    show.click("nav a[href='#rules']")
    show.evaluate("scrollTo(0, 0)")
    show.click("nav a[href='#rules']")

    assert show.evaluate(OFF, "rules") < 100


def meet(one: list[float], other: list[float]) -> bool:
    """Whether two rectangles (left, top, right, bottom) share more than an edge."""
    gap = 0.5
    return one[0] + gap < other[2] and other[0] + gap < one[2] and one[1] + gap < other[3] and other[1] + gap < one[3]


def rectangles(page: Page, selector: str) -> list[list[float]]:
    """The rectangles of parts of the picture, in its own units."""
    found: list[list[float]] = page.eval_on_selector_all(
        f"svg.flows {selector}",
        "parts => parts.map(part => part.getBBox()).map(({x, y, width, height}) => [x, y, x + width, y + height])",
    )
    return found


def test_nothing_in_the_picture_lies_over_a_box_or_a_number(show: Page) -> None:
    boxes, discs = rectangles(show, ".node rect"), rectangles(show, ".flow circle")
    texts = rectangles(show, ".node text")
    lines = []
    for way in show.eval_on_selector_all("svg.flows .flow path", "ways => ways.map(way => way.getAttribute('d'))"):
        points = [tuple(map(float, point.split())) for point in way.removeprefix("M").split("L")]
        lines += [
            [min(x1, x2), min(y1, y2) - 0.4, max(x1, x2), max(y1, y2) + 0.4]
            for (x1, y1), (x2, y2) in itertools.pairwise(points)
        ]

    assert len(boxes) > 15
    assert len(discs) > 25
    assert [pair for pair in itertools.combinations([*boxes, *discs], 2) if meet(*pair)] == []
    assert [(line, box) for line in lines for box in boxes if meet(line, box)] == []
    assert [
        text for text in texts if not any(b[0] <= text[0] and text[2] <= b[2] and b[1] <= text[1] for b in boxes)
    ] == []


def test_the_columns_of_the_picture_do_not_mix(show: Page) -> None:
    columns = [rectangles(show, f".node.c{column} rect") for column in range(4)]

    for left, right in itertools.pairwise(column for column in columns if column):
        assert max(box[2] for box in left) < min(box[0] for box in right)


def shown(page: Page) -> list[str]:
    """The rows that no filter hides."""
    rows: list[str] = page.eval_on_selector_all("main tbody tr:not([hidden])", "rows => rows.map(row => row.innerText)")
    return rows


def test_rows_are_chosen_by_framework_stack_outcome_and_severity(show: Page) -> None:
    show.select_option("#framework", "HIPAA")
    assert all("HIPAA" in row for row in shown(show))
    show.select_option("#framework", "")
    show.select_option("#severity", "high")
    assert all("high" in row for row in shown(show))
    show.select_option("#severity", "")
    show.select_option("#outcome", "finding")
    show.select_option("#stack", "Training")
    rows = show.locator("#findings tbody tr:not([hidden])")
    assert rows.count() > 0
    assert all("Training:" in text for text in rows.all_inner_texts())


def test_a_total_leads_to_the_rows_that_it_counts(show: Page) -> None:
    show.click('.totals a[data-framework="NIST-800-53-R5"][data-outcome="finding"]')

    rows = show.locator("#controls tbody tr:not([hidden])")
    controls = {
        control.strip() for text in rows.locator(".c-controls").all_inner_texts() for control in text.split(", ")
    }
    assert len(controls) == int(show.inner_text('.totals a[data-framework="NIST-800-53-R5"][data-outcome="finding"]'))
    assert not show.locator("#inventory").is_visible()


@pytest.mark.parametrize("show", [390], indirect=True)
def test_a_narrow_screen_scrolls_sideways_in_the_picture_alone(show: Page) -> None:
    assert show.evaluate("document.documentElement.scrollWidth") == 390
    wide = show.eval_on_selector_all(
        ".scroll",
        "parts => parts.filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.firstChild.tagName)",
    )
    assert wide == ["svg"]


def test_what_is_printed_has_every_finding_and_no_controls_of_a_screen(show: Page) -> None:
    show.emulate_media(media="print")

    assert not show.locator("nav").is_visible()
    assert show.locator("#findings tbody tr").first.is_visible()
