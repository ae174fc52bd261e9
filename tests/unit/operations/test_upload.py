from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from operations import upload
from operations.errors import OperationError
from operations.stage import DeployedStage
from tests.strangers import with_strangers
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import CorpusManifest

NEWEST = "/topic-model/dev/newest-corpus"
IN_SERVICE = "/topic-model/dev/in-service"


class Stage:
    """The services that an upload talks to, in the order in which it did."""

    def __init__(self, corpus: Path, *, retrains: bool = True, vocabulary: str | None = None) -> None:
        manifest = CorpusManifest.load(corpus)
        served = {"model": "job", "vocabulary": vocabulary or manifest.vocabulary_hash}
        self.parameters = {IN_SERVICE: json.dumps(served)} | ({NEWEST: "older"} if retrains else {})
        self.told: list[str] = []

    def upload_file(self, Filename: str, Bucket: str, Key: str) -> None:
        assert Path(Filename).is_file()
        self.told.append(f"s3://{Bucket}/{Key}")

    def get_parameter(self, *, Name: str) -> dict[str, dict[str, str]]:
        if Name not in self.parameters:
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": Name}}, "GetParameter")
        return {"Parameter": {"Value": self.parameters[Name]}}

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> object:
        assert (Type, Overwrite) == ("String", True)
        self.parameters[Name] = Value
        self.told.append(Name)
        return {}

    def describe_stacks(self, *, StackName: str) -> dict[str, list[dict[str, list[dict[str, str]]]]]:
        assert StackName == "TopicModel-dev-Data"
        uri = f"s3://corpora-bucket/corpora/{'a' * 64}/"
        return {"Stacks": [{"Outputs": [{"OutputKey": "CorpusUri", "OutputValue": uri}]}]}

    def upload(self, corpus: Path) -> str:
        return upload.upload(corpus, DeployedStage("dev", lambda _service: self))


def test_a_corpus_is_copied_beside_the_deployed_one_its_manifest_last_and_then_named_the_newest(
    corpus_folder: Path,
) -> None:
    stage, manifest = Stage(corpus_folder), CorpusManifest.load(corpus_folder)

    where = stage.upload(corpus_folder)

    assert where == f"s3://corpora-bucket/corpora/{manifest.corpus_hash}/"
    assert set(stage.told[:-2]) == {f"{where}{name}" for name in manifest.files}
    assert stage.told[-2:] == [f"{where}corpus.json", NEWEST]
    assert stage.parameters[NEWEST] == manifest.corpus_hash


def test_a_stage_that_does_not_retrain_is_left_as_it_is(corpus_folder: Path) -> None:
    stage = Stage(corpus_folder, retrains=False)

    with pytest.raises(OperationError, match="set `retraining` in its settings"):
        stage.upload(corpus_folder)
    assert stage.told == []


def test_a_new_vocabulary_is_refused_before_anything_is_copied(corpus_folder: Path) -> None:
    stage = Stage(corpus_folder, vocabulary="another")

    with pytest.raises(OperationError, match="serves another: prepare it with --vocabulary"):
        stage.upload(corpus_folder)
    assert stage.told == []


def test_a_corpus_that_was_changed_since_it_was_prepared_is_not_copied(corpus_folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "corpus"
    shutil.copytree(corpus_folder, changed)
    (changed / "train" / "part-00000.pbr").write_text("changed")
    stage = Stage(corpus_folder)

    with pytest.raises(CorpusError):
        stage.upload(changed)
    assert stage.told == []


def test_what_lies_beside_the_corpus_is_not_copied_and_told(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, more = Stage(corpus_folder), Stage(corpus_folder)

    plain.upload(corpus_folder)
    assert capsys.readouterr().err == ""
    more.upload(with_strangers(corpus_folder, tmp_path / "corpus"))

    assert more.told == plain.told
    assert "holds 7 files that corpus.json does not name, left aside: notes.txt, " in capsys.readouterr().err


def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upload.main(["--stage", "dev", "--corpus", str(tmp_path / "none")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("upload: ")
    assert len(said.err.strip().splitlines()) == 1
