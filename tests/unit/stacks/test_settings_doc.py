from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from stacks.settings.endpoint import CaptureSettings, ServerlessSettings
from stacks.settings.preparation import PreparationStep
from stacks.settings.stage import (
    AccountLogSettings,
    ExistingNetwork,
    OwnNetwork,
    RetrainingSettings,
    S3Corpus,
    SimilarSettings,
    StageSettings,
    SweepSettings,
)

TEXT = (Path(__file__).parents[3] / "docs/settings.md").read_text(encoding="utf-8")
ROWS = {row.split("`")[1]: row for row in TEXT.splitlines() if row.startswith("| `")}
TOLD_IN_THE_TEXT = {"hyperparameters", "s3", "serverless", "settings", "switches"}
"""Objects that have one row for all their fields."""


def leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, object]]:
    """Each setting of a model and its default."""
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, BaseModel) and name not in TOLD_IN_THE_TEXT:
            yield from leaves(type(default), f"{path}{name}.")
        else:
            yield f"{path}{name}", default


ALL = dict(
    [
        *leaves(StageSettings),
        *leaves(AccountLogSettings, "account_logs."),
        *leaves(CaptureSettings, "capture."),
        *leaves(PreparationStep, "preparation."),
        *leaves(RetrainingSettings, "retraining."),
        *leaves(SimilarSettings, "similar."),
        *leaves(SweepSettings, "sweep."),
        *leaves(ExistingNetwork, "network."),
        *leaves(OwnNetwork, "network."),
    ]
)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_setting_has_a_row_with_its_default(name: str) -> None:
    default = ALL[name]
    told = {True: "true", False: "false"}.get(default, str(default)) if isinstance(default, bool) else str(default)

    assert name in ROWS
    if name != "network.kind" and isinstance(default, bool | int | float | str):
        assert f"| `{told}` |" in ROWS[name]


@pytest.mark.parametrize("model", [S3Corpus, ServerlessSettings])
def test_the_fields_of_an_object_are_told_in_its_row(model: type[BaseModel]) -> None:
    row = ROWS["corpus.s3" if model is S3Corpus else "endpoint.serverless"]

    assert all(f"`{name}`" in row for name in model.model_fields)


def test_no_row_is_of_a_setting_that_there_is_not() -> None:
    assert set(ROWS) - {"capture"} <= set(ALL)
