"""The data flows as an SVG diagram: callers, functions, what SageMaker runs, stores; a line a flow, with its number."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import Final

from audit.flows import Flow, Node

DRAWN: Final = frozenset({"reads", "writes", "asks", "invokes", "starts", "shares"})
"""Logs, alarms and lost events are in the table only: they would hide the rest."""
TITLES: Final = ("Callers and events", "Functions and pipelines", "SageMaker", "Stores")
_WIDTH, _BOX, _HIGH, _ROW, _TOP = 1240, 220, 44, 62, 40
_GAP: Final = (_WIDTH - 4 * _BOX) / 3
_SWEEPS: Final = 4
_TIP: Final = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>'
)


def diagram(flows: list[Flow]) -> str:
    """Return the SVG; what data does decides which way an arrow points: what is read comes out of its store."""
    drawn = [(number, flow) for number, flow in enumerate(flows, start=1) if flow.verb in DRAWN]
    columns = _ordered([flow for _, flow in drawn])
    longest = max((len(column) for column in columns), default=0)
    height = _TOP + longest * _ROW
    where = {
        node: (index * (_BOX + _GAP), _TOP + (place + (longest - len(column)) / 2) * _ROW)
        for index, column in enumerate(columns)
        for place, node in enumerate(column)
    }
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="Data flows" class="flows">',
        _TIP,
        *(f'<text x="{i * (_BOX + _GAP):.0f}" y="16" class="column">{title}</text>' for i, title in enumerate(TITLES)),
        *(_line(number, flow, where) for number, flow in drawn),
        *(_box(node, *at) for node, at in where.items()),
        "</svg>",
    ]
    return "\n".join(parts)


def _ordered(flows: list[Flow]) -> list[list[Node]]:
    """Put the nodes of each column in an order that keeps lines short: near the mean place of their neighbours."""
    neighbours: dict[Node, set[Node]] = defaultdict(set)
    for flow in flows:
        neighbours[flow.source].add(flow.target)
        neighbours[flow.target].add(flow.source)
    columns = [sorted(node for node in neighbours if node.column == index) for index in range(len(TITLES))]
    for _ in range(_SWEEPS):
        for column in columns:
            place = {node: number / len(each) for each in columns for number, node in enumerate(each)}
            means = {node: sum(place[other] for other in neighbours[node]) / len(neighbours[node]) for node in column}
            column.sort(key=lambda node: (means[node], node))
    return columns


def _line(number: int, flow: Flow, where: dict[Node, tuple[float, float]]) -> str:
    (x1, y1), (x2, y2) = where[flow.source], where[flow.target]
    y1, y2 = y1 + _HIGH / 2 + number % 5 * 4 - 8, y2 + _HIGH / 2 + number % 5 * 4 - 8
    if flow.source.column == flow.target.column:
        right, bend = x1 + _BOX, x1 + _BOX + 70
        y2 = y2 + 12 if flow.source == flow.target else y2
        points = (right, y1, bend, y1, bend, y2, right, y2)
    else:
        forward = x1 < x2
        start, end = (x1 + _BOX, x2) if forward else (x1, x2 + _BOX)
        middle = (start + end) / 2
        points = (start, y1, middle, y1, middle, y2, end, y2)
    ax, ay, bx, by, cx, cy, dx, dy = points
    share = 0.16 + number % 4 * 0.06
    rest = 1 - share
    px = rest**3 * ax + 3 * rest**2 * share * bx + 3 * rest * share**2 * cx + share**3 * dx
    py = rest**3 * ay + 3 * rest**2 * share * by + 3 * rest * share**2 * cy + share**3 * dy
    end_ = "start" if flow.verb == "reads" else "end"
    what = f"{number}: {flow.source.name} {flow.verb} {flow.target.name}; {flow.hop}; {flow.network}"
    safe = "" if flow.hop.startswith(("TLS", "encrypted")) else " open"
    return (
        f'<a href="#flow-{number}" class="flow {flow.verb}{safe}"><title>{escape(what)}</title>'
        f'<path d="M{ax:.0f} {ay:.0f}C{bx:.0f} {by:.0f} {cx:.0f} {cy:.0f} {dx:.0f} {dy:.0f}" '
        f'marker-{end_}="url(#tip)"/>'
        f'<circle cx="{px:.0f}" cy="{py:.0f}" r="9"/><text x="{px:.0f}" y="{py + 3.5:.1f}">{number}</text></a>'
    )


def _box(node: Node, x: float, y: float) -> str:
    return (
        f'<g class="node c{node.column}"><rect x="{x:.0f}" y="{y:.0f}" width="{_BOX}" height="{_HIGH}" rx="6"/>'
        f'<text x="{x + 10:.0f}" y="{y + 18:.0f}">{escape(_fit(node.name, 27))}</text>'
        f'<text x="{x + 10:.0f}" y="{y + 34:.0f}" class="detail">{escape(_fit(node.detail, 32))}</text></g>'
    )


def _fit(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
