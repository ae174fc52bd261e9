from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations import choose
from tests.synths import ROOT


@pytest.fixture
def result(tmp_path: Path) -> Path:
    file = tmp_path / "sweep.json"
    file.write_text(json.dumps({"recommended": {"point": {"num_topics": "20"}, "reason": "…"}}))
    return file


def test_the_recommended_value_is_an_overlay_of_the_stage(
    tmp_path: Path, result: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert choose.main(["--stage", "prod", "--sweep", str(result)]) == 0

    written = json.loads((tmp_path / "settings-prod.json").read_text())
    assert written == {"training": {"hyperparameters": {"num_topics": 20}}}
    assert "cdk deploy --all -c stage=prod -c settings=settings-prod.json trains by it" in capsys.readouterr().out


def test_a_person_may_choose_another_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ours.json"
    given = ["num_topics=25", "optimizer=adam", "encoder_layers=64,32"]
    assert choose.main([*given, "--stage", "prod", "--settings", str(file)]) == 0

    hyperparameters = json.loads(file.read_text())["training"]["hyperparameters"]
    assert hyperparameters == {"num_topics": 25, "optimizer": "adam", "encoder_layers": "64,32"}
    assert f"num_topics=25, optimizer=adam, encoder_layers=64,32: written into {file}" in capsys.readouterr().out


def test_other_settings_of_the_file_stay(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text('{"network": {"kind": "none"}, "training": {"hyperparameters": {"num_topics": 20, "epochs": 5}}}')
    assert choose.main(["num_topics=40", "--stage", "dev", "--settings", str(file)]) == 0

    assert json.loads(file.read_text()) == {
        "network": {"kind": "none"},
        "training": {"hyperparameters": {"num_topics": 40, "epochs": 5}},
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["num_topics=1", "--stage", "dev"], "stages.dev.training.hyperparameters.num_topics is '1', but"),
        (["topics=20", "--stage", "dev"], "setting stages.dev.training.hyperparameters.topics is unknown"),
        (["coherence_weight=3", "--stage", "dev"], "coherence_weight is unknown"),
        (["num_topics", "--stage", "dev"], "'num_topics' is no setting"),
        (["num_topics=20", "--stage", "none"], "stage is 'none'"),
        (["--stage", "dev", "--sweep", "nowhere.json"], "nowhere.json is not there: run python -m operations.sweep"),
        (["num_topics=20", "--stage", "dev", "--settings", str(ROOT / "cdk.json")], "is a cdk.json"),
        (["num_topics=20", "--stage", "dev", "--settings", str(ROOT)], "cannot be read"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    file = tmp_path / "ours.json"
    given = arguments if "--settings" in arguments else [*arguments, "--settings", str(file)]
    assert choose.main(given) == 2

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not file.exists()
