"""What the slow checks of a synth answered, by a hash of all that they were asked about."""

from __future__ import annotations

import hashlib
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rules.model import mapping

if TYPE_CHECKING:
    import aws_cdk as cdk

    from rules.model import JsonValue

MAX_REMEMBERED: Final = 32


class Remembered:
    """Answers in a file, which is made when needed.

    Args:
        file: a JSON object of answers. One that cannot be read is none, and nothing fails where it cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def answer(self, question: str) -> JsonValue:
        """Return what was answered to a question; None where nothing was."""
        return self.all().get(question)

    def all(self) -> dict[str, JsonValue]:
        """Return every answer by its question, the oldest first."""
        try:
            return dict(mapping(json.loads(self._file.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            # None yet, or not readable: everything is asked again.
            return {}

    def remember(self, question: str, answer: JsonValue) -> None:
        """Keep an answer, and the latest ones beside it."""
        known = dict(list({**self.all(), question: answer}.items())[-MAX_REMEMBERED:])
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


def question(context: cdk.IPolicyValidationContext, *asked: str) -> str:
    """Return what tells apart all that a check is asked about: templates, accounts, regions, and who is asked.

    Args:
        context: what CDK gives the check.
        asked: the check's parts. A distribution's name stands for its version, too.
    """
    digest = hashlib.sha256(json.dumps([[one, version_of(one)] for one in asked]).encode())
    places = [(stack.template_path, f"{stack.account_id}/{stack.region}") for stack in context.stack_templates]
    for path, place in sorted(places):
        content = Path(path).read_bytes()
        digest.update(json.dumps([Path(path).name, place, len(content)]).encode())
        digest.update(content)
    return digest.hexdigest()


def version_of(distribution: str) -> str:
    """Return an installed distribution's version."""
    return version(distribution)
