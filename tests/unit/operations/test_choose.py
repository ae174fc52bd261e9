from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations import choose
from operations.json_edit import with_value

CDK_JSON = """{
  "app": "python app.py",
  "context": {
    "stages": {
      "dev": {"approval": "automatic",   "rollout": {"wait_s": 0}},
      "prod": {
        "training": {
          "hyperparameters": { "num_topics": 30, "epochs": 50 }
        }
      }
    },
    "list": [ 1, 2,
              3 ]
  }
}
"""


@pytest.fixture
def cdk_json(tmp_path: Path) -> Path:
    file = tmp_path / "cdk.json"
    file.write_text(CDK_JSON)
    return file


@pytest.fixture
def result(tmp_path: Path) -> Path:
    file = tmp_path / "sweep.json"
    file.write_text(json.dumps({"recommended": {"point": {"num_topics": "20"}, "reason": "…"}}))
    return file


def test_the_recommended_value_is_put_in_its_place_and_every_other_byte_stays(cdk_json: Path, result: Path) -> None:
    assert choose.main(["--stage", "prod", "--settings", str(cdk_json), "--sweep", str(result)]) == 0

    assert cdk_json.read_text() == CDK_JSON.replace('"num_topics": 30', '"num_topics": 20')


def test_a_stage_without_hyperparameters_gets_them(cdk_json: Path, result: Path) -> None:
    assert choose.main(["--stage", "dev", "--settings", str(cdk_json), "--sweep", str(result)]) == 0

    dev = json.loads(cdk_json.read_text())["context"]["stages"].pop("dev")
    assert dev == {
        "approval": "automatic", "rollout": {"wait_s": 0}, "training": {"hyperparameters": {"num_topics": 20}},
    }  # fmt: skip
    assert '"list": [ 1, 2,\n              3 ]' in cdk_json.read_text()


def test_a_person_may_choose_another_value(cdk_json: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["num_topics=25", "optimizer=adam", "encoder_layers=64,32"]
    assert choose.main([*given, "--stage", "prod", "--settings", str(cdk_json)]) == 0

    hyperparameters = json.loads(cdk_json.read_text())["context"]["stages"]["prod"]["training"]["hyperparameters"]
    assert hyperparameters == {"num_topics": 25, "epochs": 50, "optimizer": "adam", "encoder_layers": "64,32"}
    assert "num_topics=25, optimizer=adam, encoder_layers=64,32: written into stage prod" in capsys.readouterr().out


def test_the_settings_file_of_the_command_line_is_written_too(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text('{"network": {"kind": "none"}}\n')
    assert choose.main(["num_topics=40", "--stage", "dev", "--settings", str(file)]) == 0

    assert json.loads(file.read_text()) == {
        "network": {"kind": "none"},
        "training": {"hyperparameters": {"num_topics": 40}},
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
        (["num_topics=20", "--stage", "dev", "--settings", "nowhere.json"], "nowhere.json cannot be read"),
    ],
)
def test_what_cannot_be_chosen_is_one_sentence_and_nothing_is_written(
    cdk_json: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    given = arguments if "--settings" in arguments else [*arguments, "--settings", str(cdk_json)]
    assert choose.main(given) == 2

    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert cdk_json.read_text() == CDK_JSON


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ('{"a": 1}', ["a"], 2, '{"a": 2}'),
        ('{"a": {"b": [1, {"c": 2}]}, "d": 3}', ["a", "b"], "x", '{"a": {"b": "x"}, "d": 3}'),
        ("{}", ["a", "b"], 1, '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{\n  "a": {}\n}\n', ["a", "b"], 1, '{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ('{\n  "a": "}{\\"",\n  "b": 1\n}', ["c"], True, '{\n  "a": "}{\\"",\n  "b": 1,\n  "c": true\n}'),
        ('{"é\\n": 1, "b": "é"}', ["b"], "ü", '{"é\\n": 1, "b": "ü"}'),
    ],
)
def test_one_value_of_a_json_text_is_set(text: str, path: list[str], value: object, expected: str) -> None:
    assert with_value(text, path, value) == expected


def test_a_value_inside_what_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.b is no object"):
        with_value('{"a": {"b": 1}}', ["a", "b", "c"], 2)
