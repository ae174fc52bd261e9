from __future__ import annotations

from typing import Any

import pytest

from operations.model_status import Models, lines, next_deploy
from stacks.settings.stage import StageSettings
from tests.unit.deployment.retraining_fakes import NEW, OLD, made

NOW, BEFORE, WAITS = made("now", OLD), made("before", OLD, definition="d0"), made("waits", NEW)
DEPLOYED = {"CorpusHash": OLD, "DefinitionHash": "d1"}


def models(**changes: Any) -> Models:
    known: dict[str, Any] = {"in_service": "now", "since": "2026-12-01 00:00 UTC", "approved": NOW, "previous": None,
                             "candidate": NOW, "deployed": DEPLOYED}  # fmt: skip
    return Models(**{**known, **changes})


def told(settings: dict[str, Any] | None = None, asked: dict[str, str] | None = None, **changes: Any) -> str:
    return next_deploy(models(**changes), StageSettings.model_validate(settings or {}), {**DEPLOYED, **(asked or {})})


@pytest.mark.parametrize(
    ("settings", "asked", "changes", "says"),
    [
        ({}, {}, {}, "keeps now"),
        ({}, {}, {"in_service": "before"}, "takes now into service, which is approved"),
        ({}, {}, {"approved": None, "in_service": None}, "trains the first model"),
        ({}, {"CorpusHash": NEW}, {}, f"trains on corpus {NEW[:12]}, and keeps now until then"),
        ({"approval": "automatic"}, {"CorpusHash": NEW}, {}, f"trains on corpus {NEW[:12]}, and takes the model into"),
        ({"training": {"run_on_deploy": False}}, {"CorpusHash": NEW}, {}, "keeps now"),
        ({}, {"CorpusHash": NEW}, {"candidate": WAITS}, "keeps now: waits of this corpus and definition waits for an"),
        ({"approval": "automatic"}, {"CorpusHash": NEW}, {"candidate": WAITS}, "takes waits into service"),
        ({}, {"DefinitionHash": "d0"}, {"previous": BEFORE}, "takes the previous model before into service again"),
    ],
)
def test_the_next_deploy_is_told_as_the_training_gate_decides(
    settings: dict[str, Any], asked: dict[str, str], changes: dict[str, Any], says: str
) -> None:
    assert told(settings, asked, **changes).startswith(says)


def test_a_candidate_that_waits_is_told_with_the_command_that_approves_it() -> None:
    shown = list(lines(models(candidate=WAITS), StageSettings(), "dev"))

    assert shown[0].startswith("in service   now: validation loss 6.9")
    assert shown[1] == "since        2026-12-01 00:00 UTC"
    assert "waiting      waits: approve it by .venv/bin/python -m operations.pipeline approve --stage dev" in shown


def test_no_candidate_waits_where_it_is_the_approved_model() -> None:
    assert not [line for line in lines(models(), StageSettings(), "dev") if line.startswith("waiting")]
