"""The outcomes of the controls as OSCAL assessment results, NIST's format: a result a framework."""

from __future__ import annotations

import json
import re
import uuid
from typing import Final

from audit.assembly import SUFFIX, Assembly
from audit.controls import ACKNOWLEDGED, FINDING, NOT_CHECKED, PASS, RETIRED, Control, by_control
from audit.origin import UNKNOWN, Origin
from audit.ratings import rating
from audit.tables import Place, Row, Table
from rules.model import JsonValue

VERSION: Final = "1.2.1"
"""Of OSCAL."""
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "topic-model-service/audit")
_EPOCH: Final = "1970-01-01T00:00:00Z"
"""OSCAL asks for a time; where the templates' is unknown, this one says so."""
_STATES: Final = {
    PASS: ("satisfied", "pass"),
    FINDING: ("not-satisfied", "fail"),
    ACKNOWLEDGED: ("not-satisfied", "other"),
}
_NOTE: Final = (
    "The rules look at some properties of the resources: it is no statement that the control as a whole is met."
)


def results(assembly: Assembly, source: tuple[Control, ...], matrix: Table, origin: Origin) -> str:
    """Return the document; the same templates and commit give the same bytes, identifiers too."""
    stacks = ", ".join(template.stack for template in assembly.templates)
    when = _EPOCH if origin.date == UNKNOWN else origin.date
    plan = _id("plan", stacks)
    frameworks = dict.fromkeys(control.framework for control in source)
    document: JsonValue = {
        "assessment-results": {
            "uuid": _id("results", stacks, str(origin)),
            "metadata": {
                "title": f"Audit of {stacks}",
                "last-modified": when,
                "version": origin.commit,
                "oscal-version": VERSION,
                "remarks": f"From the synthesized templates: {origin}.",
            },
            "import-ap": {"href": f"#{plan}"},
            "results": [_Result(stacks, framework, matrix, when).body() for framework in frameworks],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": "Assessment plan",
                        "description": "Every rule of audit/controls.csv is put to every resource of its type.",
                        "rlinks": [{"href": "controls.csv"}],
                    }
                ]
            },
        }
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def ids(framework: str, control: str) -> tuple[str, str]:
    """Return the ids of a control and of its statement: AC-17(4)(a) is ac-17.4 and ac-17.4_smt.a in NIST's catalog.

    Other frameworks have no catalog of NIST's: there the ids are this project's.
    """
    nist = re.fullmatch(r"([A-Z]{2}-\d+)(?:\((\d+)\))?(.*)", control) if framework.startswith("NIST") else None
    if nist is not None:
        name = nist[1].lower() + (f".{nist[2]}" if nist[2] else "")
        return name, "".join([f"{name}_smt", *(f".{part}" for part in re.findall(r"[a-z]+|\d+", nist[3]))])
    text = f"{framework.partition(' ')[0]}-{control}" if control[0].isdigit() else control
    name = re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-").lower()
    return name, f"{name}_smt"


class _Result:
    """One framework's result, with what its rules observe at which resources."""

    def __init__(self, stacks: str, framework: str, matrix: Table, when: str) -> None:
        self._stacks, self._framework, self._when = stacks, framework, when
        self._rows = [row for row in matrix.rows if row.cells[0] == framework and row.cells[5] != NOT_CHECKED]
        self._outcomes = {control: outcome for (of, control), outcome in by_control(matrix).items() if of == framework}

    def body(self) -> JsonValue:
        """Return the result as OSCAL has it."""
        checked = [control for control, outcome in self._outcomes.items() if outcome != NOT_CHECKED]
        note = f" ({RETIRED[self._framework]})" if self._framework in RETIRED else ""
        selection: dict[str, JsonValue] = {"description": "Controls that no rule checks are left out."}
        if checked:
            names = dict.fromkeys(ids(self._framework, control)[0] for control in checked)
            selection["include-controls"] = [{"control-id": name} for name in names]
        body: dict[str, JsonValue] = {
            "uuid": self._id("result"),
            "title": f"{self._framework}{note}",
            "description": f"What the rules for {self._framework} say of {self._stacks}. {_NOTE}",
            "start": self._when,
            "end": self._when,
            "reviewed-controls": {"control-selections": [selection]},
        }
        places = sorted({row.place for row in self._rows})
        if places:
            body["local-definitions"] = {"inventory-items": [self._item(place) for place in places]}
            body["observations"] = [self._observation(rule, outcome) for rule, outcome in self._observed()]
            risks: list[JsonValue] = [
                self._risk(rule, outcome) for rule, outcome in self._observed() if outcome != PASS
            ]
            if risks:
                body["risks"] = risks
            body["findings"] = [self._finding(control, self._outcomes[control]) for control in checked]
        return body

    def _observed(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((row.cells[4], row.cells[5]) for row in self._rows))

    def _of(self, rule: str, outcome: str) -> list[Row]:
        return [row for row in self._rows if (row.cells[4], row.cells[5]) == (rule, outcome)]

    def _item(self, place: Place) -> JsonValue:
        return {
            "uuid": self._id("item", *_named(place)),
            "description": f"{place.logical_id} of {place.stack}",
            "props": [
                {"name": "asset-id", "value": f"{place.stack}/{place.logical_id}"},
            ],
            "remarks": f"Line {place.line} of {place.stack}{SUFFIX}",
        }

    def _observation(self, rule: str, outcome: str) -> JsonValue:
        places = dict.fromkeys(row.place for row in self._of(rule, outcome))
        subjects: list[JsonValue] = [
            {"subject-uuid": self._id("item", *_named(place)), "type": "inventory-item"} for place in places
        ]
        return {
            "uuid": self._id("observation", rule, outcome),
            "title": f"{rule}: {outcome}",
            "description": f"{rule} says {outcome} of {len(places)} places.",
            "methods": ["TEST"],
            "types": ["finding"],
            "subjects": subjects,
            "collected": self._when,
        }

    def _risk(self, rule: str, outcome: str) -> JsonValue:
        rows = self._of(rule, outcome)
        why = "\n".join(dict.fromkeys(row.cells[6] for row in rows if row.cells[6]))
        rated = rating(rule)
        body: dict[str, JsonValue] = {
            "uuid": self._id("risk", rule, outcome),
            "title": f"{rule}: {outcome}",
            "description": why or rule,
            "statement": f"Severity by this project's own judgment: {rated.severity}.",
            "status": "open" if outcome == FINDING else "deviation-approved",
            "related-observations": [{"observation-uuid": self._id("observation", rule, outcome)}],
        }
        if outcome == FINDING:
            body["remediations"] = [
                {
                    "uuid": self._id("remediation", rule),
                    "lifecycle": "recommendation",
                    "title": f"Mend {rule}",
                    "description": rated.remediation,
                }
            ]
        return body

    def _finding(self, control: str, outcome: str) -> JsonValue:
        observed = dict.fromkeys((row.cells[4], row.cells[5]) for row in self._rows if row.cells[1] == control)
        state, reason = _STATES[outcome]
        body: dict[str, JsonValue] = {
            "uuid": self._id("finding", control),
            "title": f"{control}: {outcome}",
            "description": f"{control} of {self._framework}. {_NOTE}",
            "target": {
                "type": "statement-id",
                "target-id": ids(self._framework, control)[1],
                "title": control,
                "status": {"state": state, "reason": reason},
            },
            "related-observations": [{"observation-uuid": self._id("observation", *each)} for each in observed],
        }
        risks: list[JsonValue] = [{"risk-uuid": self._id("risk", *each)} for each in observed if each[1] != PASS]
        if risks:
            body["related-risks"] = risks
        return body

    def _id(self, *parts: str) -> str:
        return _id(self._stacks, self._framework, *parts)


def _named(place: Place) -> tuple[str, ...]:
    return place.stack, place.logical_id, str(place.line)


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))
