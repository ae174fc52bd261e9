"""The report as one page: no network, searchable, each row with a link to the line of the template that proves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from audit.assembly import Assembly
from audit.controls import ACKNOWLEDGED, FINDING, NOT_CHECKED, OUTCOMES, PASS, RETIRED
from audit.ratings import SEVERITIES, rating
from audit.tables import Place, Row, Table

HERE: Final = Path(__file__).parent
CALLED: Final = {PASS: "pass", ACKNOWLEDGED: "pass with acknowledgment", FINDING: "finding", NOT_CHECKED: "not checked"}
"""What becomes of a control, in the order of the totals."""
_COLOURED: Final = {"outcome", "verdict", "severity"}
_OUTCOME_OF: Final = {"findings": FINDING, "acknowledgments": ACKNOWLEDGED}
"""Tables whose rows all have one outcome."""


@dataclass(frozen=True)
class About:
    """What the head of the page says."""

    assembly: Assembly
    origin: str
    figures: Mapping[str, str]
    totals: Mapping[str, Mapping[str, int]]
    """How many controls of each framework have which outcome."""


def page(about: About, tables: Sequence[Table], *, svg: str) -> str:
    """Return the page: the figures, the tables, the diagram before the table of flows, and the templates."""
    stacks = [template.stack for template in about.assembly.templates]
    title = f"Audit of {', '.join(stacks)}"
    links = "".join(f'<a href="#{table.name}">{escape(table.title)}</a>' for table in tables)
    choices = "".join(
        _choice(name, plural, values)
        for name, plural, values in (
            ("framework", "frameworks", about.totals),
            ("stack", "stacks", map(short, stacks)),
            ("outcome", "outcomes", OUTCOMES),
            ("severity", "severities", SEVERITIES),
        )
    )
    sections = "\n".join(_section(table, svg if table.name == "flows" else "") for table in tables)
    figures = "".join(f"<li><b>{escape(value)}</b>{escape(name)}</li>" for name, value in about.figures.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_file('page.css')}</style></head><body>"
        f'<header class="top"><h1>{escape(title)}</h1>{_standing(about)}'
        f'<p class="about">Read from the synthesized templates alone: {escape(about.origin)}. '
        "A place such as Data:120 is line 120 of that stack's template, at the end of this page; on paper, in the "
        "template file itself. Press / to search.</p>"
        f'<ul class="cards">{figures}</ul>{_totals(about.totals)}</header>'
        '<nav><div><input id="search" type="search" placeholder="Search all tables (/)" aria-label="Search all tables">'
        f'{choices}<span id="count" class="faint" role="status"></span></div>'
        f'<div class="links">{links}<a href="#templates">Templates</a></div></nav>'
        f'<main>{sections}<section id="templates"><h2>Templates</h2>'
        f"{''.join(_template(stack, text) for stack, text in about.assembly.texts.items())}</section></main>"
        f"<script>{_file('page.js')}</script></body></html>\n"
    )


def counted(counts: Mapping[str, int]) -> str:
    """Return the outcomes of a framework's controls as text."""
    return ", ".join(f"{counts[outcome]} {name}" for outcome, name in CALLED.items())


def _standing(about: About) -> str:
    """Return what a reader must know first of a stage that is not hardened."""
    if about.assembly.hardened:
        return ""
    return (
        '<p class="standing"><b>This stage is not hardened.</b> Its settings leave out on purpose what costs money: '
        f"{about.figures['findings of the packs']} findings of the packs and "
        f"{about.figures['findings of own rules']} of own rules are open. Rules of hardened stages are asked too.</p>"
    )


def _totals(totals: Mapping[str, Mapping[str, int]]) -> str:
    """Return the table of controls by outcome; each number chooses those controls."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("framework", "controls", *CALLED.values()))
    rows = ""
    for framework, counts in totals.items():
        note = f' <span class="retired">{escape(RETIRED[framework])}</span>' if framework in RETIRED else ""
        cells = "".join(
            f'<td data-label="{name}"><a href="#controls" class="{slug(outcome)}" data-framework="{slug(framework)}" '
            f'data-outcome="{slug(outcome)}">{counts[outcome]}</a></td>'
            for outcome, name in CALLED.items()
        )
        rows += (
            f'<tr><th scope="row">{escape(framework)}{note}</th><td data-label="controls">{sum(counts.values())}</td>'
            f"{cells}</tr>"
        )
    return (
        '<table class="totals"><caption>Controls by outcome: a control has the weightiest outcome of its rows, finding '
        f"before acknowledgment before pass</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _choice(name: str, plural: str, values: Iterable[str]) -> str:
    options = "".join(
        f'<option value="{slug(value)}">{escape(value + (" (retired)" if value in RETIRED else ""))}</option>'
        for value in values
    )
    return (
        f'<select id="{name}" aria-label="{name.capitalize()}"><option value="">all {plural}</option>{options}</select>'
    )


def short(stack: str) -> str:
    """Return the part of a stack's name by which the page calls it."""
    return stack.rpartition("-")[2]


def slug(text: str) -> str:
    """Return a text as a class's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text)


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
    named = dict(zip(table.columns, row.cells, strict=True))
    cells = "".join(_cell(name, value) for name, value in named.items())
    mark = f' id="flow-{row.cells[0]}"' if table.name == "flows" else ""
    outcome = named.get("outcome", _OUTCOME_OF.get(table.name, ""))
    severity = f' data-severity="{slug(named["severity"])}"' if "severity" in named else ""
    place = "" if table.name == "rules" else link(row.place)
    where = f' data-places="{_where(row.place, outcome)}"'
    return f'<tr{mark}{where}{severity}>{cells}<td class="at" data-label="template">{place}</td></tr>'


def _where(place: Place, outcome: str) -> str:
    """Return what the filters by stack and outcome compare: what is about no resource is in no stack."""
    return f"{slug(short(place.stack)) if place.logical_id else ''}:{slug(outcome)}"


def _cell(name: str, value: str) -> str:
    kind = slug(value) if name in _COLOURED else f"c-{slug(name)}"
    text = broken(value)
    if value.startswith("https://"):
        text = f'<a href="{escape(value)}">{escape(value.removeprefix("https://").partition("/")[0])}</a>'
    return f'<td class="{kind}" data-label="{escape(name)}">{text}</td>'


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
    counts = {outcome: sum(1 for cell, _, _ in places if cell == outcome) for outcome in OUTCOMES}
    badges = "\n".join(
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
    severity = rating(rule).severity if rule else ""
    where = " ".join(sorted({_where(place, outcome) for outcome, _, place in places}))
    cells = (
        ("short", escape(framework)),
        ("c-controls", ids),
        ("", escape(requirement)),
        ("c-property", broken(path)),
        ("c-rule", f'{broken(rule)}\n<span class="faint">{severity}</span>' if rule else ""),
        ("", badges + why),
        ("", escape(mapped_by)),
        ("at", at),
    )
    inner = "".join(
        f'<td class="{kind}" data-label="{name}">{text}</td>'
        for name, (kind, text) in zip(_GROUPED_COLUMNS, cells, strict=True)
    )
    return f'<tr data-framework="{slug(framework)}" data-places="{where}" data-severity="{slug(severity)}">{inner}</tr>'


def _template(stack: str, text: str) -> str:
    lines = "".join(
        f'<span id="{short(stack)}-{number}">{escape(line)}</span>'
        for number, line in enumerate(text.splitlines(), start=1)
    )
    return f"<details><summary>{escape(stack)}</summary><pre>{lines}</pre></details>"
