"""CDK's own validator of templates, asked about those that it has not passed yet.

Its engine takes about a second of two cores to get ready, a third of a whole synth, and says the same of the same
template every time. So what it passed without a word is remembered, by a hash of all that it is asked about.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii

if TYPE_CHECKING:
    from collections.abc import Sequence

CDK_VALIDATOR: Final = "CloudFormation Validate"
"""The name by which CDK knows its validator, in reports and when it turns errors into warnings."""
MAX_REMEMBERED: Final = 64
_OFF: Final = "false"


def validators(remembered_in: Path) -> list[TemplateValidator]:
    """Return the validator for the app to be given; none where CDK_VALIDATION is `false`, as CDK has it."""
    return [] if os.environ.get("CDK_VALIDATION") == _OFF else [TemplateValidator(remembered_in)]


@jsii.implements(cdk.IPolicyValidationPlugin)
class TemplateValidator:
    """CDK's validator, with a memory of what it passed.

    Args:
        remembered_in: a file of hashes; made when needed. Without it, everything is validated.
    """

    def __init__(self, remembered_in: Path) -> None:
        self._file = remembered_in

    @property
    def name(self) -> str:
        """The plugin's name in the report: CDK's validator's."""
        return CDK_VALIDATOR

    @property
    def version(self) -> str | None:
        """None: it is that of the installed CDK."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """None: to ask the engine, it would have to be made ready."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Have the templates validated, unless these very ones passed before."""
        asked = _hash_of(context)
        if asked in self._remembered():
            return cdk.PolicyValidationPluginReport(success=True, violations=[])
        # What the engine itself knows is always there. The rules that are included besides are on GameLift alone, and
        # take it a third of its time to get ready; there is a test that they are no others.
        report = cdk.CloudFormationValidatePlugin(include_default_rules=False).validate(context)
        if report.success and not report.violations:
            self._remember(asked)
        return report

    def _remembered(self) -> list[str]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # None yet, or not readable: the engine is asked again.
            return []
        return [str(one) for one in known] if isinstance(known, list) else []

    def _remember(self, asked: str) -> None:
        known = [*self._remembered(), asked][-MAX_REMEMBERED:]
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", dir=self._file.parent, prefix=self._file.name, delete=False
            ) as file:
                json.dump(known, file, indent=1)
            # Another stage may be synthesized at the same time: it finds the one list or the other, never half of one.
            Path(file.name).replace(self._file)
        except OSError:
            # A place that cannot be written to costs the next synth a second, and this one nothing.
            return


def _hash_of(context: cdk.IPolicyValidationContext) -> str:
    """Return what tells apart all that the engine is asked about: its version, templates, accounts and regions."""
    digest = hashlib.sha256(_engine_version().encode())
    for path, place in sorted(_places_of(context.stack_templates)):
        content = Path(path).read_bytes()
        digest.update(json.dumps([Path(path).name, place, len(content)]).encode())
        digest.update(content)
    return digest.hexdigest()


def _places_of(stacks: Sequence[cdk.PolicyValidationStack]) -> list[tuple[str, str]]:
    return [(stack.template_path, f"{stack.account_id}/{stack.region}") for stack in stacks]


def _engine_version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - it takes a while, and only this asks

    return version("aws-cdk-lib")
