"""The report as one page: no network, searchable, each row with a link to the line of the template that proves it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from audit.controls import ACKNOWLEDGED, FINDING, NOT_CHECKED, PASS
from audit.tables import Place, Row, Table

HERE: Final = Path(__file__).parent
OUTCOMES: Final = (FINDING, ACKNOWLEDGED, NOT_CHECKED, PASS)
_COLOURED: Final = {"outcome", "verdict"}


def page(
    title: str,
    cards: Mapping[str, str],
    tables: Sequence[Table],
    *,
    svg: str,
    texts: Mapping[str, str],
) -> str:
    """Return the page: the figures, the tables, the diagram before the table of flows, and the templates."""
    links = "".join(f'<a href="#{table.name}">{escape(table.title)}</a>' for table in tables)
    options = "".join(f'<option value="{slug(each)}">{each}</option>' for each in OUTCOMES)
    sections = "\n".join(_section(table, svg if table.name == "flows" else "") for table in tables)
    figures = "".join(f"<li><b>{escape(value)}</b>{escape(name)}</li>" for name, value in cards.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_file('page.css')}</style></head><body>"
        f'<header class="top"><h1>{escape(title)}</h1><p class="about">Read from the synthesized templates alone. '
        "A place such as Data:120 is line 120 of that stack's template, at the end of this page; on paper, in the "
        "template file itself. Press / to search.</p>"
        f'<ul class="cards">{figures}</ul></header>'
        '<nav><div><input id="search" type="search" placeholder="Search all tables (/)" aria-label="Search all tables">'
        f'<select id="outcome" aria-label="Outcome"><option value="">every outcome</option>{options}</select>'
        f'<span id="count" class="faint" role="status"></span>{links}<a href="#templates">Templates</a></div></nav>'
        f'<main>{sections}<section id="templates"><h2>Templates</h2>'
        f"{''.join(_template(stack, text) for stack, text in texts.items())}</section></main>"
        f"<script>{_file('page.js')}</script></body></html>\n"
    )


def short(stack: str) -> str:
    """Return the part of a stack's name by which the page calls it."""
    return stack.rpartition("-")[2]


def slug(text: str) -> str:
    """Return a text as a class's name."""
    return text.replace(" ", "-")


def broken(text: str) -> str:
    """Return a text as HTML that may be broken where names are joined."""
    if " " in text:
        return escape(text)
    return re.sub(r"(::|[/:.](?=\w)|(?<=[a-z])(?=[A-Z]))", r"\1<wbr>", escape(text))


def link(place: Place, kind: str = "") -> str:
    """Return a link to a line of a template on the page."""
    mark = f' class="{kind}"' if kind else ""
    title = f' title="{escape(place.logical_id)}"' if place.logical_id else ""
    return f'<a href="#{short(place.stack)}-{place.line}"{mark}{title}>{short(place.stack)}:{place.line}</a>'


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _section(table: Table, before: str) -> str:
    head = f'<section id="{table.name}" data-table><h2>{escape(table.title)}</h2>'
    head += f'<p class="about">{escape(table.about)}</p>'
    if before:
        key = "".join(
            f'<span><i style="background:var(--{verb})"></i>{name}</span>'
            for verb, name in (("reads", "reads"), ("writes", "writes"), ("asks", "asks"), ("other", "starts, invokes"))
        )
        head += f'<p class="key faint">{key}</p><div class="scroll">{before}</div>'
    if not table.rows:
        return head + "</section>"
    body = "".join(_grouped(table)) if table.name == "controls" else "".join(_row(table, row) for row in table.rows)
    names = _GROUPED_COLUMNS if table.name == "controls" else (*table.columns, "template")
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    inner = f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    return f'{head}<div class="scroll">{inner}</div></section>'


def _row(table: Table, row: Row) -> str:
    cells = "".join(_cell(name, value) for name, value in zip(table.columns, row.cells, strict=True))
    mark = f' id="flow-{row.cells[0]}"' if table.name == "flows" else ""
    return f'<tr{mark}>{cells}<td class="at">{link(row.place)}</td></tr>'


def _cell(name: str, value: str) -> str:
    kind = f' class="{slug(value)}"' if name in _COLOURED else f' class="c-{slug(name)}"'
    if value.startswith("https://"):
        return f'<td><a href="{escape(value)}">{escape(value.removeprefix("https://").partition("/")[0])}</a></td>'
    return f"<td{kind}>{broken(value)}</td>"


_GROUPED_COLUMNS: Final = ("framework", "controls", "requirement", "property", "rule", "outcome", "mapped by", "set at")


def _grouped(table: Table) -> list[str]:
    """Return a row for all controls that the same rule checks by the same property: their places are the same."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in table.rows:
        framework, control, requirement, path, rule = row.cells[:5]
        key = (framework, "" if rule else control, requirement, path, rule, row.cells[7])
        groups.setdefault(key, []).append(row)
    return [_group(key, rows) for key, rows in groups.items()]


def _group(key: tuple[str, ...], rows: list[Row]) -> str:
    framework, _, requirement, path, rule, mapped_by = key
    controls = list(dict.fromkeys(row.cells[1] for row in rows))
    places = dict.fromkeys((row.cells[5], row.cells[6], row.place) for row in rows)
    counts = {outcome: sum(1 for found, _, _ in places if found == outcome) for outcome in OUTCOMES}
    told = "\n".join(
        f'<span class="{slug(outcome)}">{outcome}{f" ({count})" if outcome != NOT_CHECKED else ""}</span>'
        for outcome, count in counts.items()
        if count
    )
    reasons = dict.fromkeys(reason for _, reason, _ in places if reason)
    why = "".join(f'\n<span class="faint">{escape(reason)}</span>' for reason in reasons)
    at = " ".join(link(place, slug(outcome)) for outcome, _, place in places if outcome != NOT_CHECKED)
    source = rows[0].cells[8]
    ids = f'<a href="{escape(source)}">{escape(controls[0])}</a>' + escape(
        "".join(f", {control}" for control in controls[1:])
    )
    marks = " ".join(slug(outcome) for outcome, count in counts.items() if count)
    return (
        f'<tr data-outcome="{marks}"><td class="short">{escape(framework)}</td><td class="c-controls">{ids}</td>'
        f'<td>{escape(requirement)}</td><td class="c-property">{broken(path)}</td>'
        f'<td class="c-rule">{broken(rule)}</td><td>{told}{why}</td>'
        f'<td>{escape(mapped_by)}</td><td class="at">{at}</td></tr>'
    )


def _template(stack: str, text: str) -> str:
    lines = "".join(
        f'<span id="{short(stack)}-{number}">{escape(line)}</span>'
        for number, line in enumerate(text.splitlines(), start=1)
    )
    return f"<details><summary>{escape(stack)}</summary><pre>{lines}</pre></details>"
