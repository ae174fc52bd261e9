"""The stages in cdk.json: which one is chosen, and its settings.

`-c settings=FILE` names a JSON file whose values win over the stage's, for what a team keeps outside the repository.
"""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from stacks.settings.errors import SynthError
from stacks.settings.stage import StageSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE: Final = Path(__file__).parents[2] / "cdk.json"
DEFAULT_STAGE: Final = "dev"
STAGE_PATTERN: Final = re.compile(r"^[a-z][a-z0-9]{0,11}$")
"""Short, since a training job's name carries it and may have 63 characters in all."""

CONTEXT: Final = ("settings", "stage", "stages")
"""The keys of the context that a synth reads."""
_FOREIGN: Final = frozenset("@:/")
"""One of these is in every key of CDK's own: feature flags, what it looked up, what the CLI says."""


def refuse_unknown(context: Iterable[str]) -> None:
    """Refuse a key of the context that nothing reads: `-c stag=prod` must not deploy the default stage.

    Raises:
        SynthError: names the key, and the nearest of those that there are.
    """
    for key in context:
        if key not in CONTEXT and not _FOREIGN.intersection(key):
            near = difflib.get_close_matches(key, CONTEXT, n=1)
            hint = f"did you mean {near[0]}?" if near else f"-c takes {' and '.join(CONTEXT[:2])}"
            raise SynthError(f"context key {key!r} is unknown: {hint}")


def load(stages: object, *, stage: object, overrides: object = None) -> tuple[str, StageSettings]:
    """Return the name and the settings of the chosen stage.

    Args:
        stages: the `stages` object of cdk.json.
        stage: the `-c stage=` of the command line; None for the default.
        overrides: the `-c settings=` of the command line: a JSON file merged over the stage, key by key.

    Raises:
        SynthError: an unknown stage, or a setting that is wrong: names it, its value and what is allowed.
    """
    if not isinstance(stages, dict) or not stages:
        raise SynthError("cdk.json has no stages: its context needs an object named stages, one entry a stage")
    name = DEFAULT_STAGE if stage is None else str(stage)
    if name not in stages:
        raise SynthError(f"stage is {name!r}, which cdk.json does not have: choose {' or '.join(sorted(stages))}")
    if not STAGE_PATTERN.match(name):
        raise SynthError(f"stage is {name!r}: a name is a lower-case letter and up to 11 letters and digits behind it")
    chosen = stages[name]
    if not isinstance(chosen, dict):
        raise SynthError(f"stages.{name} in cdk.json is {chosen!r}, but should be an object of settings")
    if overrides is not None:
        chosen = merged(chosen, _read_overrides(str(overrides)))
    try:
        return name, StageSettings.model_validate(chosen)
    except ValidationError as error:
        raise SynthError(_sentence(error, name)) from None


def merged(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    """Return `base` with the values of `over`, object by object."""
    result = dict(base)
    for key, value in over.items():
        mine = result.get(key)
        result[key] = merged(mine, value) if isinstance(mine, dict) and isinstance(value, dict) else value
    return result


def _read_overrides(file: str) -> dict[str, object]:
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise SynthError(f"settings file {file!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SynthError(f"settings file {file!r} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise SynthError(
            f"settings file {file!r} holds {type(content).__name__}, but should hold an object of settings"
        )
    return content


def _sentence(error: ValidationError, stage: str) -> str:
    fault = error.errors()[0]
    path = ".".join(["stages", stage, *(str(part) for part in fault["loc"])])
    message = fault["msg"].removeprefix("Value error, ").replace("<stage>", stage)
    if fault["type"] == "extra_forbidden":
        return f"setting {path} is unknown: see docs/settings.md for those there are"
    if isinstance(fault["input"], dict | BaseModel):
        return f"setting {path}: {message}"
    return f"setting {path} is {str(fault['input'])[:80]!r}, but {message[0].lower() + message[1:]}"
