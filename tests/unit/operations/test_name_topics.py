"""Names of topics in a stage and in a model folder, and whose they may not be."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from explore.topics import Words
from operations import name_topics
from tests.unit.explore.conftest import MODEL, World

from topics_function.model.topic_list import Topics

if TYPE_CHECKING:
    from pathlib import Path

TOPICS = [
    {"id": 0, "share": 0.7, "label": "boat", "words": ["boat", "sail"], "weights": [2, 1]},
    {"id": 1, "share": 0.3, "words": ["bread", "salt", "oven", "mill"], "weights": [4, 3, 2, 1]},
]
KEY = f"models/{MODEL}/output/topics.json"


@dataclass
class Cloud:
    """S3 and SSM of a deployed stage, in one client."""

    in_service: str = MODEL
    objects: dict[str, bytes] = field(
        default_factory=lambda: {KEY: json.dumps({"topics": TOPICS, "mean_weights": [0.7, 0.3]}).encode()}
    )

    def client(self, _name: str) -> Cloud:
        return self

    def get_parameter(self, *, Name: str) -> Any:
        if Name != "/topic-model/dev/in-service":
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": ""}}, "GetParameter")
        artifact = f"s3://artifacts/models/{self.in_service}/output/model.tar.gz"
        return {"Parameter": {"Value": json.dumps({"model": self.in_service, "artifact": artifact})}}

    def get_object(self, *, Bucket: str, Key: str) -> Any:
        assert Bucket == "artifacts"
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        assert (Bucket, ContentType) == ("artifacts", "application/json")
        self.objects[Key] = Body


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr("operations.stage.session", lambda: made)
    return made


@pytest.fixture
def model(world: World, tmp_path: Path) -> Path:
    shutil.copytree(world.model, tmp_path / "model")
    return tmp_path / "model"


def names_in(folder: Path, names: dict[str, str], model: str = MODEL) -> str:
    file = folder / "names.json"
    file.write_text(json.dumps({"model": model, "names": names}), encoding="utf-8")
    return str(file)


def test_one_command_names_the_topics_of_the_stage_and_of_the_folder(
    cloud: Cloud, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert name_topics.main([names_in(tmp_path, {"1": "Wörter"}), "--stage", "dev", "--model", str(model)]) == 0

    published = Topics.from_json(cloud.objects[KEY])
    assert [topic.label for topic in published.topics] == ["boat", "Wörter"]
    assert published.topics[1].words == TOPICS[1]["words"]
    assert published.mean_weights == [0.7, 0.3]
    labels = Words.read(model).labels
    assert labels[1] == "Wörter"
    assert labels[0] == ", ".join(json.loads((model / "model.json").read_text())["topics"][0]["words"][:3])
    said = capsys.readouterr().out
    assert "stage dev: 1 topics named" in said
    assert "the next one has topics and labels of its own" in said


@pytest.mark.parametrize("where", ["stage", "folder"])
def test_names_never_go_to_the_topics_of_another_model(
    cloud: Cloud, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    before = (dict(cloud.objects), (model / "model.json").read_bytes())
    if where == "stage":
        cloud.in_service = "retrained"
        arguments = [names_in(tmp_path, {"1": "x"}), "--stage", "dev", "--model", str(model)]
    else:
        arguments = [names_in(tmp_path, {"1": "x"}, model="earlier"), "--model", str(model)]

    assert name_topics.main(arguments) == 2
    asked, there = (MODEL, "retrained") if where == "stage" else ("earlier", MODEL)
    said = capsys.readouterr().err
    assert f"the names are of model {asked}" in said
    assert f"has {there}, whose topics are others" in said
    assert (cloud.objects, (model / "model.json").read_bytes()) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no names.json of the page"),
        ('{"names": {"0": "a"}}', "model: Field required"),
        ('{"model": "m", "names": {}}', "names: Dictionary should have at least 1 item"),
        ('{"model": "m", "names": {"first": "a"}}', "names.first"),
        ('{"model": "m", "names": {"-1": "a"}}', "names.-1"),
        ('{"model": "m", "names": {"0": "  "}}', "names.0: String should have at least 1 character"),
        ('{"model": "m", "names": {"0": "a\\nb"}}', "names.0"),
        (json.dumps({"model": "m", "names": {"0": "a" * 81}}), "at most 80 characters"),
        (json.dumps({"model": MODEL, "names": {"4": "a"}}), "the names have a topic 4, where the model has 0 to 3"),
    ],
)
def test_what_is_no_file_of_names_is_one_sentence_and_changes_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    (tmp_path / "names.json").write_text(content)
    before = (model / "model.json").read_bytes()

    assert name_topics.main([str(tmp_path / "names.json"), "--model", str(model)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert (model / "model.json").read_bytes() == before


def test_a_model_whose_topics_the_stage_does_not_publish_is_said(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.objects.clear()

    assert name_topics.main([names_in(tmp_path, {"1": "x"}), "--stage", "dev"]) == 2
    assert f"publishes no topics of model {MODEL}" in capsys.readouterr().err


def test_something_to_name_must_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert name_topics.main([names_in(tmp_path, {"1": "x"})]) == 2
    assert "give --stage NAME, --model DIR, or both" in capsys.readouterr().err
