"""A stage's hyperparameters in the files that hold settings: read them, and write chosen ones in their place.

The files are cdk.json, whose stages lie under `context.stages`, and those of `-c settings=FILE`, which hold settings of
whatever stage they are given for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from explore.files import written_whole
from operations.errors import OperationError
from operations.json_edit import with_value
from stacks.settings import cdk_json
from stacks.training.sweep.sweep_job import stage_hyperparameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stacks.settings.stage import StageSettings

CDK_FILE: Final = cdk_json.FILE
_HYPERPARAMETERS: Final = ("training", "hyperparameters")


def chosen(overrides: Path | None, stage: str) -> StageSettings:
    """Return the settings of a stage.

    Args:
        overrides: a file of settings over those of cdk.json; None for none.
        stage: its name in cdk.json.

    Raises:
        OperationError: there is no cdk.json.
        SynthError: there is no such stage, or a setting is wrong.
    """
    return cdk_json.load(_stages(CDK_FILE), stage=stage, overrides=overrides)[1]


def hyperparameters(overrides: Path | None, stage: str) -> dict[str, str]:
    """Return the hyperparameters of a stage's training, as a job takes them: see `chosen`."""
    return stage_hyperparameters(chosen(overrides, stage))


def write(file: Path, stage: str, values: Sequence[tuple[str, str]]) -> None:
    """Write chosen hyperparameters into a file of settings, and leave every other byte of it as it is.

    Raises:
        OperationError: the file has no such stage, or cannot be written; nothing is written then.
        SynthError: the stage does not take such a hyperparameter; nothing is written then.
    """
    text = _text(file)
    content = _object(file, text)
    if "context" in content:
        _require_stage(file, _stages(file), stage)
        path: tuple[str, ...] = ("context", "stages", stage, *_HYPERPARAMETERS)
    else:
        path = _HYPERPARAMETERS
    for name, value in values:
        text = with_value(text, (*path, name), _plain(value))
    _require_valid(file, text, stage)
    with written_whole(file) as partial:
        partial.write_text(text, encoding="utf-8")


def _require_valid(file: Path, text: str, stage: str) -> None:
    content = _object(file, text)
    if "context" in content:
        cdk_json.load(content["context"]["stages"], stage=stage)  # type: ignore[index]  # looked at before
    else:
        base = _stages(CDK_FILE)
        _require_stage(CDK_FILE, base, stage)
        merged = cdk_json.merged(base[stage], content)  # type: ignore[arg-type]  # load says what is wrong
        cdk_json.load({stage: merged}, stage=stage)


def _require_stage(file: Path, stages: dict[str, object], stage: str) -> None:
    if stage not in stages:
        raise OperationError(f"stage is {stage!r}, which {file} does not have: choose {' or '.join(sorted(stages))}")


def _stages(file: Path) -> dict[str, object]:
    content = _object(file, _text(file))
    context = content.get("context")
    stages = context.get("stages") if isinstance(context, dict) else None
    if not isinstance(stages, dict):
        raise OperationError(f"{file} is no cdk.json with stages: it has no object context.stages")
    return stages


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{file} cannot be read: {error}") from None


def _object(file: Path, text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise OperationError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise OperationError(f"{file} holds {type(content).__name__}, but should hold an object of settings")
    return content


def _plain(value: str) -> object:
    try:
        found: object = json.loads(value)
    except ValueError:
        return value
    return found
