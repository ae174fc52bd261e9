"""Faults put into the templates on purpose, to show that each is caught by the one rule that is there for it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from audit.assembly import Assembly
from audit.tables import Row, Table
from rules.engine import check_all
from rules.model import JsonValue, Template, mapping

Body: TypeAlias = dict[str, "JsonValue"]
Edit: TypeAlias = Callable[["Editor"], None]


@dataclass(frozen=True)
class Seed:
    """One weakening edit, and the rule that must catch it."""

    name: str
    rule: str
    stack: str
    """How the stack's name ends."""
    type: str
    """The type of the resource that is edited: the first of it whose logical id starts with `starts`."""
    edit: Edit
    starts: str = ""


class Editor:
    """A template that may be edited, and the resource that the edit is about."""

    def __init__(self, template: Template, seed: Seed) -> None:
        self.body = copy.deepcopy(dict(template.body))
        self.resources = cast("dict[str, Body]", self.body["Resources"])
        self.logical_id = next(
            name for name, body in self.resources.items() if body["Type"] == seed.type and name.startswith(seed.starts)
        )
        self.resource = self.resources[self.logical_id]
        self.properties = cast("Body", self.resource.setdefault("Properties", {}))

    def at(self, *path: str) -> Body:
        """Return the object that `path` leads to among the properties."""
        value: JsonValue = self.properties
        for part in path:
            value = value[int(part)] if isinstance(value, list) else cast("Body", value)[part]
        return cast("Body", value)

    def items(self, *path: str) -> list[JsonValue]:
        """Return the list that `path` leads to among the properties."""
        return cast("list[JsonValue]", self.at(*path))

    def statements(self, document: str = "PolicyDocument") -> list[Body]:
        """Return the statements of a policy."""
        return cast("list[Body]", self.at(document)["Statement"])

    def allowing(self, action: str) -> Body:
        """Return the first statement that allows `action`."""
        return next(statement for statement in self.statements() if action in str(statement["Action"]))

    def job(self, call: str, change: Callable[[Body], None]) -> None:
        """Change the request of the state that starts a job."""
        definition = json.loads(str(self.properties["DefinitionString"]))
        state = next(state for state in definition["States"].values() if call in str(state.get("Resource")))
        change(state["Parameters"])
        self.properties["DefinitionString"] = json.dumps(definition)


@dataclass(frozen=True)
class Caught:
    """What the rules said of an edited template."""

    seed: Seed
    stack: str
    logical_id: str
    rules: tuple[str, ...]

    @property
    def exactly(self) -> bool:
        """Whether the rule that the seed names caught it, and no other."""
        return self.rules == (self.seed.rule,)


def sow(assembly: Assembly, seeds: tuple[Seed, ...]) -> Iterator[Caught]:
    """Edit the templates seed by seed, and return what the rules say of each edit."""
    for seed in seeds:
        template = next(findings for findings in assembly.templates if findings.stack.endswith(seed.stack))
        editor = Editor(template, seed)
        seed.edit(editor)
        findings = check_all([Template(template.stack, editor.body)])
        rules = tuple(sorted({finding.rule_id for finding in findings}))
        yield Caught(seed, template.stack, editor.logical_id, rules)


def table(assembly: Assembly, seeds: tuple[Seed, ...]) -> Table:
    """Return a row a seed: the edit, the rule that must catch it, and what did; none where nothing can be edited."""
    rows = [
        Row(
            (
                caught.seed.name,
                caught.seed.rule,
                ", ".join(caught.rules) or "nothing",
                "caught" if caught.exactly else "not as it should be",
            ),
            assembly.place(caught.stack, caught.logical_id),
        )
        for caught in sow(assembly, tuple(seed for seed in seeds if possible(assembly, seed)))
    ]
    return Table(
        "seeded-faults",
        "Seeded faults",
        "Each weakens the templates above in memory; the rules are then asked, and must name exactly the rule that is "
        "there for it. Edits of what a stage does not have are left out.",
        ("edit", "rule that must catch it", "rules that caught it", "verdict"),
        tuple(rows),
    )


def possible(assembly: Assembly, seed: Seed) -> bool:
    """Tell whether there is a resource for the edit, in a hardened stage."""
    return any(
        template.stack.endswith(seed.stack)
        and template.hardened
        and any(resource.logical_id.startswith(seed.starts) for resource in template.resources(seed.type))
        for template in assembly.templates
    )


def demands_tls(body: Body) -> bool:
    """Tell whether a statement denies what does not come by TLS."""
    return "aws:SecureTransport" in str(mapping(body).get("Condition"))
