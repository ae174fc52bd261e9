"""The data flows as an SVG diagram, laid out by ELK: a box a node in four columns, a line a flow, with its number."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from audit.assembly import AuditError
from audit.flows import Flow, Node
from rules.model import JsonValue, mapping, objects

DRAWN: Final = frozenset({"reads", "writes", "asks", "invokes", "starts", "shares"})
"""Logs, alarms and lost events are in the table only: they would hide the rest."""
TITLES: Final = ("Callers and events", "Functions and pipelines", "SageMaker", "Stores")
LAYOUT: Final = Path(__file__).parent / "layout.js"
_BOX, _HIGH, _TOP, _DISC = 210, 44, 30, 18
_OPTIONS: Final[dict[str, JsonValue]] = {
    "elk.algorithm": "layered",
    "elk.direction": "RIGHT",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.partitioning.activate": "true",
    "elk.spacing.nodeNode": "18",
    "elk.spacing.edgeNode": "14",
    "elk.spacing.edgeEdge": "10",
    "elk.spacing.edgeLabel": "0",
    "elk.separateConnectedComponents": "false",
    "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
    "elk.layered.spacing.edgeNodeBetweenLayers": "16",
    "elk.layered.spacing.nodeNodeBetweenLayers": "24",
    "elk.layered.thoroughness": "30",
    "elk.padding": f"[top={_TOP},left=2,bottom=4,right=2]",
}
_TIP: Final = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" class="tip"/></marker></defs>'
)


def diagram(flows: list[Flow]) -> str:
    """Return the SVG; what data does decides which way an arrow points: what is read comes out of its store.

    Raises:
        AuditError: Node or elkjs, which places the boxes and lines, is not installed.
    """
    drawn = {number: flow for number, flow in enumerate(flows, start=1) if flow.verb in DRAWN}
    nodes = sorted({node for flow in drawn.values() for node in (flow.source, flow.target)})
    placed = _laid_out(nodes, drawn)
    boxes = [(nodes[int(str(box["id"]))], _number(box, "x"), _number(box, "y")) for box in objects(placed["children"])]
    starts: dict[int, float] = {}
    for node, x, _ in boxes:
        starts[node.column] = min(x, starts.get(node.column, x))
    width, height = _number(placed, "width"), _number(placed, "height")
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    parts = [
        f'<svg {size} role="img" aria-label="Data flows" class="flows">',
        _TIP,
        *(f'<text x="{x:.0f}" y="16" class="column">{TITLES[column]}</text>' for column, x in starts.items()),
        *(_line(int(str(edge["id"])[1:]), edge, drawn, nodes) for edge in objects(placed.get("edges"))),
        *(_box(*box) for box in boxes),
        "</svg>",
    ]
    return "\n".join(parts)


def _laid_out(nodes: list[Node], drawn: Mapping[int, Flow]) -> Mapping[str, JsonValue]:
    """Return ELK's graph with places: the columns are partitions, and every line leads to the right."""
    graph: JsonValue = {
        "id": "root",
        "layoutOptions": _OPTIONS,
        "children": [
            {
                "id": str(number),
                "width": _BOX,
                "height": _HIGH,
                "layoutOptions": {"elk.partitioning.partition": str(node.column)},
            }
            for number, node in enumerate(nodes)
        ],
        "edges": [
            {
                "id": f"e{number}",
                "sources": [str(nodes.index(first))],
                "targets": [str(nodes.index(second))],
                "labels": [
                    {
                        "text": str(number),
                        "width": _DISC,
                        "height": _DISC,
                        "layoutOptions": {"elk.edgeLabels.inline": "true"},
                    }
                ],
            }
            for number, flow in drawn.items()
            for first, second in [sorted((flow.source, flow.target), key=lambda node: node.column)]
        ],
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    node = shutil.which("node", path=path)
    if node is None:
        raise AuditError("there is no node to draw the data flows with: make setup installs it")
    done = subprocess.run([node, str(LAYOUT)], input=json.dumps(graph), capture_output=True, text=True, check=False)
    if done.returncode:
        why = next((line for line in done.stderr.splitlines() if "Error" in line), done.stderr.strip()[:200])
        raise AuditError(f"elkjs did not lay out the data flows ({why}): make setup installs it")
    return mapping(json.loads(done.stdout))


def _number(value: Mapping[str, JsonValue], name: str) -> float:
    return float(str(value[name]))


def _line(number: int, edge: Mapping[str, JsonValue], drawn: Mapping[int, Flow], nodes: list[Node]) -> str:
    flow = drawn[number]
    [section] = objects(edge["sections"])
    points = [mapping(section["startPoint"]), *objects(section.get("bendPoints")), mapping(section["endPoint"])]
    way = "L".join(f"{_number(point, 'x'):.1f} {_number(point, 'y'):.1f}" for point in points)
    [label] = objects(edge["labels"])
    x, y = _number(label, "x") + _DISC / 2, _number(label, "y") + _DISC / 2
    to_the_right = mapping(edge)["targets"] == [str(nodes.index(flow.target))]
    end = "end" if to_the_right != (flow.verb == "reads") else "start"
    what = f"{number}: {flow.source.name} {flow.verb} {flow.target.name}; {flow.hop}; {flow.network}"
    safe = "" if flow.hop.startswith(("TLS", "encrypted")) else " open"
    return (
        f'<a href="#flow-{number}" class="flow {flow.verb}{safe}"><title>{escape(what)}</title>'
        f'<path d="M{way}" marker-{end}="url(#tip)"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DISC // 2}"/><text x="{x:.1f}" y="{y + 3.5:.1f}">{number}</text></a>'
    )


def _box(node: Node, x: float, y: float) -> str:
    return (
        f'<g class="node c{node.column}"><title>{escape(f"{node.name}: {node.detail}")}</title>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_BOX}" height="{_HIGH}" rx="6"/>'
        f'<text x="{x + 10:.0f}" y="{y + 18:.0f}">{escape(_fit(node.name, 25))}</text>'
        f'<text x="{x + 10:.0f}" y="{y + 34:.0f}" class="detail">{escape(_fit(node.detail, 29))}</text></g>'
    )


def _fit(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
