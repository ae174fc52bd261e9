"""Rules on SSM parameters: those that a template reads, writes and lets functions write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rules.identity import statements
from rules.model import Fault, Rule, Template, items, mapping, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_PATH: Final = re.compile(r"^/topic-model/[a-z][a-z0-9]{0,11}/")
DATA_PATH: Final = re.compile(r"^/topic-model-data/[a-z][a-z0-9]{0,11}/\w+$")
"""What the data stack tells the others. No function may write there."""
APPROVED_PATH: Final = re.compile(r"^/topic-model/[a-z][a-z0-9]{0,11}/approved/model$")
SECRET: Final = re.compile(r"password|secret|token|credential|private[_-]?key", re.IGNORECASE)
WRITES: Final = frozenset({"ssm:PutParameter", "ssm:DeleteParameter"})


@rule("TM-SSM-READS-APPROVED", "A template reads approved models only", "A deploy would ship what nobody approved")
def reads_approved(template: Template) -> Iterator[Fault]:
    """Look at parameters whose value comes from SSM."""
    for name, parameter in mapping(template.body.get("Parameters")).items():
        body = mapping(parameter)
        if not str(body.get("Type")).startswith("AWS::SSM::Parameter") or name == "BootstrapVersion":
            continue
        read = str(body.get("Default"))
        if not APPROVED_PATH.match(read) and not DATA_PATH.match(read):
            yield Fault(name, "Default", f"the template reads {read}, which is no approved model's record")


@rule("TM-SSM-OWN-PATH", "Parameters are under the stage's own path", "A stage could overwrite what another reads")
def own_path(template: Template) -> Iterator[Fault]:
    """Look at the names of parameters, and at what may be written."""
    for parameter in template.resources("AWS::SSM::Parameter"):
        name = str(parameter.get("Name"))
        if not OWN_PATH.match(name) and not DATA_PATH.match(name):
            yield Fault(parameter.logical_id, "Properties/Name", "the parameter is not under /topic-model/<stage>/")
    for statement in statements(template):
        if not WRITES & set(statement.actions):
            continue
        for resource in items(statement.body.get("Resource")):
            if not re.search(r":parameter/topic-model/[a-z][a-z0-9]{0,11}/", str(resource)):
                path = f"{statement.path}/Resource"
                yield Fault(statement.logical_id, path, "parameters outside the stage's path may be written")


@rule("TM-SSM-NO-SECRET", "No plain parameter holds a secret", "Who may read configuration would read it")
def no_secret(template: Template) -> Iterator[Fault]:
    """Look for parameters that are named like secrets, and for secrets resolved into templates."""
    for parameter in template.resources("AWS::SSM::Parameter"):
        if SECRET.search(str(parameter.get("Name"))):
            yield Fault(parameter.logical_id, "Properties/Name", "a plain parameter is named like a secret")
    for resource in template.resources():
        if "{{resolve:ssm-secure" in str(resource.body) or "{{resolve:secretsmanager" in str(resource.body):
            yield Fault(resource.logical_id, "Properties", "a secret is resolved into the template")


RULES: Final[tuple[Rule, ...]] = (reads_approved, own_path, no_secret)
