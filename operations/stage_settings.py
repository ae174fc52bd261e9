"""A stage's settings: those of cdk.json with an overlay, and an overlay with chosen hyperparameters written into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from explore.files import written_whole
from operations.errors import OperationError
from stacks.settings import cdk_json
from stacks.settings.stage import StageSettings
from stacks.training.sweep.sweep_job import stage_hyperparameters

CDK_FILE: Final = cdk_json.FILE


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


def hyperparameters(overrides: Path | None, stage: str, *, documents: int) -> dict[str, str]:
    """Return the hyperparameters of a stage's training on so many documents, as a job takes them: see `chosen`."""
    return stage_hyperparameters(chosen(overrides, stage).for_documents(documents))


def write(file: Path, stage: str, values: Sequence[tuple[str, str]]) -> None:
    """Merge chosen hyperparameters into a file for `-c settings=FILE`, which need not exist.

    Raises:
        OperationError: the file holds no object of settings, or cannot be written; nothing is written then.
        SynthError: the stage does not take such a hyperparameter; nothing is written then.
    """
    content = _object(file, _text(file)) if file.exists() else {}
    if "context" in content:
        raise OperationError(f"{file} is a cdk.json; name a file of settings for `-c settings=FILE`")
    hyperparameters = {name: _plain(value) for name, value in values}
    content = cdk_json.merged(content, {"training": {"hyperparameters": hyperparameters}})
    _require_valid(content, stage)
    with written_whole(file) as partial:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _require_valid(overlay: dict[str, object], stage: str) -> None:
    stages = _stages(CDK_FILE)
    if isinstance(base := stages.get(stage), dict):
        stages = {**stages, stage: cdk_json.merged(base, overlay)}
    cdk_json.load(stages, stage=stage)


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
        plain: object = json.loads(value)
    except ValueError:
        return value
    return plain
