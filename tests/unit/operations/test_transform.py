from __future__ import annotations

import io
import itertools
import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from explore.documents import of_corpus
from explore.errors import ExploreError
from explore.scorers import LocalModel, score_all
from explore.vectors import load_topic_vectors
from operations.stage import DeployedStage
from operations.transform import command as transform
from operations.transform import run as transform_run
from operations.transform.formats import FORMATS
from stacks.serving.transform.transform_job import definition
from stacks.serving.transform.transform_records import INPUT_FILTER, OUTPUT_FILTER, RecordError, decode
from stacks.settings.stage import TransformSettings
from stacks.shared.names import parameters_prefix
from tests.strangers import with_strangers
from tests.unit.deployment.fakes import FakeSsm
from tests.unit.deployment.fakes import model as model_record
from tests.unit.explore.conftest import MODEL
from tests.unit.operations.refusals import no_stack
from training_scripts.archives import pack
from training_scripts.corpus.progress import Progress
from training_scripts.ntm.artifact import read
from training_scripts.ntm.inference import NtmInference
from training_scripts.ntm.serving.requests import decode as decode_request

from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.explore.conftest import World

BUCKET = "artifacts"


class MissingError(ClientError):  # type: ignore[misc]  # botocore has no types
    """What boto3's clients raise for what is not there."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}, "GetObject")


class Aws:
    """S3, Step Functions and CloudFormation of a deployed stage; the transform is done as SageMaker documents it."""

    class exceptions:  # noqa: N801 -- boto3's name
        ClientError = NoSuchKey = ExecutionDoesNotExist = MissingError

    def __init__(self, world: World, *, instances: int = 2) -> None:
        self._world = world
        self.objects: dict[str, bytes] = {}
        self.executions: dict[str, dict[str, str]] = {}
        self.ends_as = "SUCCEEDED"
        self.model = MODEL
        text = json.dumps(definition(TransformSettings(instance_count=instances), stage="dev"))
        self._definition = text.replace("${CorpusHash}", world.manifest.corpus_hash)
        self.ssm = FakeSsm()
        approved = model_record(MODEL) | {"vocabulary_hash": world.manifest.vocabulary_hash}
        Ledger(self.ssm, parameters_prefix("dev")).write(APPROVED, approved)

    def client(self, name: str) -> Aws:
        return self

    def get_parameter(self, *, Name: str) -> Any:
        return self.ssm.get_parameter(Name=Name)

    def describe_stacks(self, StackName: str) -> Any:
        if "dev" not in StackName:
            raise no_stack(StackName)
        outputs = {"ArtifactsBucket": BUCKET} if "Data" in StackName else {"TransformStateMachineArn": "arn:machine"}
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]}]}

    def describe_state_machine(self, stateMachineArn: str) -> Any:
        return {"definition": self._definition.replace("${ModelVersion}", self.model)}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        assert Bucket == BUCKET
        self.objects[Key] = Body

    def get_object(self, Bucket: str, Key: str) -> Any:
        if Key not in self.objects:
            raise MissingError
        return {"Body": io.BytesIO(self.objects[Key])}

    def start_execution(self, *, stateMachineArn: str, name: str, **given: str) -> Any:
        sent = json.loads(given["input"])
        folder = sent["input_uri"].removeprefix(f"s3://{BUCKET}/")
        output = sent["output_uri"].removeprefix(f"s3://{BUCKET}/")
        if self.ends_as == "SUCCEEDED":
            for key in [key for key in self.objects if key.startswith(folder)]:
                answer = self._answer(self.objects[key]) if "split_type" not in sent else self._in_order(key, sent)
                self.objects[f"{output}/{key.removeprefix(folder)}.out"] = answer
        arn = f"arn:execution:{name}"
        packed = self._world.model.with_suffix(".tar.gz")
        pack(self._world.model, packed)
        self.objects["models/model.tar.gz"] = packed.read_bytes()
        result = {"model": self.model, "corpus": self._world.manifest.corpus_hash, "started": 1000, "ended": 3000}
        result["artifact"] = f"s3://{BUCKET}/models/model.tar.gz"
        cause = json.dumps({"FailureReason": "ClientError: See job logs for more information"})
        self.executions[arn] = {"status": self.ends_as, "output": json.dumps(result), "cause": cause}
        self.sent = sent
        return {"executionArn": arn}

    def describe_execution(self, executionArn: str) -> Any:
        if executionArn not in self.executions:
            raise MissingError
        return self.executions[executionArn]

    def _in_order(self, key: str, sent: dict[str, str]) -> bytes:
        assert (
            sent["split_type"]
            == {"text/csv": "Line", "application/x-recordio-protobuf": "RecordIO"}[sent["content_type"]]
        )
        return self.answers_in_order(self.objects[key], sent["content_type"])

    def answers_in_order(self, body: bytes, content_type: str) -> bytes:
        model = NtmInference(read(self._world.model))
        rows = model.topic_weights(decode_request(body, content_type, feature_dim=model.feature_dim))
        return b"".join(json.dumps({"topic_weights": row.tolist()}).encode() + b"\n" for row in rows)

    def schedule(self, name: str, started: int, **told: object) -> None:
        """Be what a scheduled run leaves: the corpus's shards, transformed in order."""
        folder = f"transform/scheduled/{name}"
        for part in ("train", "validation", "test"):
            for shard in sorted((self._world.corpus / part).glob("*.pbr")):
                answers = self.answers_in_order(shard.read_bytes(), "application/x-recordio-protobuf")
                self.objects[f"{folder}/{part}/{shard.name}.out"] = answers
        told = {"model": self.model, "artifact": "s3://artifacts/models/model.tar.gz", "folder": folder,
                "corpus": self._world.manifest.corpus_hash, "parts": [{"started": 1, "ended": 9}], **told}  # fmt: skip
        output = json.dumps(told)
        self.executions[f"arn:execution:{name}"] = {"status": "SUCCEEDED", "output": output, "at": str(started)}

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "list_executions"
        return self

    def paginate(self, stateMachineArn: str, statusFilter: str) -> Any:
        return [
            {"executions": [{"executionArn": arn, "startDate": int(execution.get("at", 0))}]}
            for arn, execution in self.executions.items()
            if execution["status"] == statusFilter
        ]

    def _answer(self, body: bytes) -> bytes:
        model = NtmInference(read(self._world.model))
        lines = [json.loads(line) for line in body.splitlines()]
        records = b"\n".join(json.dumps(line["record"]).encode() for line in lines)
        rows = model.topic_weights(decode_request(records, "application/jsonlines", feature_dim=model.feature_dim))
        answers = [
            {"id": line["id"], "SageMakerOutput": {"topic_weights": row.tolist()}}
            for line, row in zip(lines, rows, strict=True)
        ]
        return b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)


@pytest.fixture
def aws(world: World, monkeypatch: pytest.MonkeyPatch) -> Aws:
    found = Aws(world)
    monkeypatch.setattr("boto3.Session", lambda **_: found)
    return found


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def arguments(world: World, tmp_path: Path) -> list[str]:
    return [
        "--stage", "dev", "--out", str(tmp_path / "vectors.parquet"), "--corpus", str(world.corpus),
        "--source", "jsonl", "--input", str(world.source.path), "--label-field", "label", "--id-field", "id",
    ]  # fmt: skip


def test_the_vectors_are_those_of_the_model_itself(
    aws: Aws, world: World, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(arguments) == 0

    found = load_topic_vectors(tmp_path / "vectors.parquet")
    expected, _ = score_all(LocalModel(world.model), world.documents(), Progress("test"))
    np.testing.assert_allclose(found.weights, expected, atol=1e-6)
    assert (found.model, found.corpus) == (MODEL, world.manifest.corpus_hash)
    assert found.without.keys() == {"empty", "unknown"}
    assert "120 topic vectors of 4 topics" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.parquet"]


@pytest.mark.parametrize("chosen", [[], ["--format", "recordio"], ["--format", "csv"]])
def test_documents_go_by_order_beside_a_manifest_of_their_ids(
    aws: Aws, world: World, arguments: list[str], tmp_path: Path, chosen: list[str]
) -> None:
    assert transform.main([*arguments, *chosen]) == 0

    is_csv = "csv" in chosen
    assert (aws.sent["content_type"], aws.sent["split_type"]) == (
        ("text/csv", "Line") if is_csv else ("application/x-recordio-protobuf", "RecordIO")
    )

    found = load_topic_vectors(tmp_path / "vectors.parquet")
    expected, _ = score_all(LocalModel(world.model), world.documents(), Progress("test"))
    np.testing.assert_allclose(found.weights, expected, atol=1e-6)
    [manifest] = [json.loads(body) for key, body in aws.objects.items() if key.endswith("/manifest.json")]
    assert manifest["corpus"] == world.manifest.corpus_hash
    assert len(manifest["files"]) == 2
    assert [name for names in manifest["files"].values() for name in names] == found.ids


def test_documents_may_go_with_their_ids_in_json_lines(
    aws: Aws, world: World, arguments: list[str], tmp_path: Path
) -> None:
    assert transform.main([*arguments, "--format", "jsonlines"]) == 0

    found = load_topic_vectors(tmp_path / "vectors.parquet")
    expected, _ = score_all(LocalModel(world.model), world.documents(), Progress("test"))
    np.testing.assert_allclose(found.weights, expected, atol=1e-6)
    assert aws.sent.keys() == {"job_name", "input_uri", "output_uri"}
    assert not any(key.endswith("/manifest.json") for key in aws.objects)


def test_an_output_by_order_with_a_document_missing_is_refused(
    aws: Aws, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = aws.answers_in_order
    monkeypatch.setattr(aws, "answers_in_order", lambda *given: whole(*given).split(b"\n", 1)[1])

    assert transform.main([*arguments, "--format", "csv"]) == 2
    assert "has 59 answers for 60 documents" in capsys.readouterr().err


def test_what_the_schedule_transformed_is_collected_and_nothing_started(aws: Aws, world: World, tmp_path: Path) -> None:
    aws.schedule("old", 1, corpus="0" * 64)
    aws.schedule("new", 2)
    file = tmp_path / "vectors.parquet"
    corpus = with_strangers(world.corpus, tmp_path / "corpus")
    assert transform.main(["--stage", "dev", "--scheduled", "--out", str(file), "--corpus", str(corpus)]) == 0

    found = load_topic_vectors(file)
    expected, _ = score_all(LocalModel(world.model), of_corpus(world.corpus), Progress("test"))
    np.testing.assert_allclose(found.weights, expected, atol=1e-6)
    assert found.ids == of_corpus(world.corpus).ids
    assert len(aws.executions) == 2


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"corpus": "0" * 64}, "the newest scheduled transform is of corpus 000000000000"),
        ({"folder": "elsewhere"}, "the transform left no s3://artifacts/elsewhere/train/part-00000.pbr.out"),
        (None, "the schedule of stage 'dev' has not transformed anything yet"),
    ],
)
def test_a_scheduled_run_that_cannot_be_collected_is_one_sentence(
    aws: Aws, arguments: list[str], capsys: pytest.CaptureFixture[str], told: Any, message: str
) -> None:
    if told is not None:
        aws.schedule("run", 1, **told)

    assert transform.main([*arguments, "--scheduled"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_the_model_can_be_had_with_the_vectors(aws: Aws, world: World, arguments: list[str], tmp_path: Path) -> None:
    assert transform.main([*arguments, "--model-out", str(tmp_path / "model")]) == 0

    assert read(tmp_path / "model").document == read(world.model).document
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "vectors.parquet"]


def test_the_model_comes_with_the_names_that_the_stage_gives_its_topics(
    aws: Aws, world: World, arguments: list[str], tmp_path: Path
) -> None:
    topics = read(world.model).document["topics"]
    named = [{**topic, "label": f"called {topic['id']}"} for topic in topics]
    aws.objects["models/topics.json"] = json.dumps({"topics": named, "mean_weights": [0.25] * 4}).encode()
    assert transform.main([*arguments, "--model-out", str(tmp_path / "model")]) == 0

    told = read(tmp_path / "model").document["topics"]
    assert [topic["label"] for topic in told] == ["called 0", "called 1", "called 2", "called 3"]
    assert [topic["words"] for topic in told] == [topic["words"] for topic in topics]


def test_a_folder_that_is_no_model_is_not_replaced_by_one(
    aws: Aws, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters").mkdir()

    assert transform.main([*arguments, "--model-out", str(tmp_path / "letters")]) == 2
    assert "holds no model.json, so it is not replaced" in capsys.readouterr().err
    assert aws.objects == {}


def test_there_are_at_least_as_many_input_files_as_instances(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = world.documents()

    assert transform_run.input_files(documents, 4) == 4
    assert transform_run.input_files(documents, 1000) == 120
    monkeypatch.setattr(transform_run, "FILE_BYTES", 500)
    assert transform_run.input_files(documents, 4) % 4 == 0
    assert transform_run.input_files(documents, 4) > 4


@pytest.mark.parametrize("form", [*FORMATS, None])
def test_a_run_that_was_interrupted_is_collected_by_its_own_format_and_not_started_again(
    aws: Aws, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str | None
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(transform_run, "_collect", interrupted)
        assert transform.main([*arguments, *(["--format", form] if form else [])]) == 130
    assert not (tmp_path / "vectors.parquet").exists()

    assert transform.main(arguments) == 0
    assert len(aws.executions) == 1
    assert load_topic_vectors(tmp_path / "vectors.parquet").weights.shape == (120, 4)


def test_a_run_of_another_format_than_the_one_asked_for_is_started_over(
    aws: Aws, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(transform_run, "_collect", interrupted)
        assert transform.main([*arguments, "--format", "jsonlines"]) == 130

    assert transform.main([*arguments, "--format", "recordio"]) == 0
    assert len(aws.executions) == 2


@pytest.mark.parametrize("change", ["the run failed", "another model was approved", "the run is forgotten"])
def test_a_run_that_is_of_no_use_is_started_over(
    aws: Aws, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    clock = itertools.count(1)
    monkeypatch.setattr("time.time", lambda: next(clock))
    aws.ends_as = "FAILED"
    assert transform.main(arguments) == 2
    aws.ends_as = "SUCCEEDED"
    if change == "another model was approved":
        aws.model = "model-2"
        for execution in aws.executions.values():
            execution["status"] = "SUCCEEDED"
    if change == "the run is forgotten":
        aws.executions.clear()

    assert transform.main(arguments) == 0
    assert load_topic_vectors(tmp_path / "vectors.parquet").model == aws.model


def test_a_job_that_fails_is_told_by_sagemakers_own_sentence(
    aws: Aws, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.ends_as = "FAILED"

    assert transform.main(arguments) == 2
    assert "is failed: ClientError: See job logs for more information\n" in capsys.readouterr().err
    assert not (tmp_path / "vectors.parquet").exists()


def test_an_output_with_a_document_missing_is_refused(
    aws: Aws, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = aws._answer
    monkeypatch.setattr(aws, "_answer", lambda body: whole(body).split(b"\n", 1)[1])
    deployed = DeployedStage("dev", aws.client)

    with pytest.raises(ExploreError, match="answered 118 of 120 documents"):
        transform_run.run(
            deployed,
            transform_run.find_stage(deployed),
            world.documents(),
            tmp_path / "note",
            Progress("test"),
            form=FORMATS["jsonlines"],
        )


def test_documents_of_another_corpus_are_refused_before_anything_is_sent(
    aws: Aws, world: World, tmp_path: Path
) -> None:
    deployed = DeployedStage("dev", aws.client)
    stage = transform_run.find_stage(deployed)

    other = replace(world.documents(), corpus="0" * 64, vocabulary="1" * 64)
    with pytest.raises(ExploreError, match="name the model's own corpus with --corpus, or prepare them with --vocab"):
        transform_run.run(deployed, stage, other, tmp_path / "note", Progress("test"))
    assert aws.objects == {}


def test_documents_of_another_corpus_are_taken_where_they_were_counted_by_the_models_vocabulary(
    aws: Aws, world: World, tmp_path: Path
) -> None:
    deployed = DeployedStage("dev", aws.client)
    stage = transform_run.find_stage(deployed)
    newer = replace(world.documents(), corpus="0" * 64)

    outcome = transform_run.run(deployed, stage, newer, tmp_path / "note", Progress("test"))

    assert outcome.weights.shape == (120, 4)


def test_a_vocabulary_that_is_not_the_models_yet_counts_for_nothing(aws: Aws, world: World) -> None:
    aws.model = "not approved by the record"

    deployed = DeployedStage("dev", aws.client)

    assert transform_run.vocabulary_of(deployed, transform_run.find_stage(deployed)) == ""


def test_a_stage_that_is_not_deployed_is_one_sentence(
    aws: Aws, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main([*arguments, "--stage", "prod"]) == 2
    assert "there is no stack TopicModel-prod-Data" in capsys.readouterr().err


def test_a_schedule_transforms_the_approved_models_corpus_part_after_part_under_names_that_fit() -> None:
    states: Any = definition(TransformSettings(schedule="rate(7 days)"), stage="a23456789012")["States"]
    each = states["TransformCorpus"]
    job = each["ItemProcessor"]["States"]["TransformPart"]["Parameters"]

    assert states["Parts"]["Result"] == {"parts": ["train", "validation", "test"]}
    assert states["ChooseInput"]["Choices"][-1] == {"Variable": "$.job_name", "IsPresent": False, "Next": "Parts"}
    assert each["ItemSelector"]["input_uri.$"].startswith("States.Format('${CorporaUri}${CorpusHash}/{}/'")
    assert each["ItemSelector"]["split_type"] == "RecordIO"
    assert "DataProcessing" not in job
    prefix = each["ItemSelector"]["job_name.$"].partition("'")[2].partition("{")[0]
    assert len(f"{prefix}{uuid.uuid4()}-2") <= 63
    assert "Parts" not in definition(TransformSettings(), stage="dev")["States"]  # type: ignore[operator]


@pytest.mark.parametrize("expression", ["rate(1 days)", "rate(7 day)", "rate(0 days)", "cron(0 3 * * *)", "daily", ""])
def test_a_schedule_that_eventbridge_would_refuse_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="schedule"):
        TransformSettings(schedule=expression)


def test_the_job_sends_the_record_alone_and_keeps_the_id_with_its_answer() -> None:
    sent = definition(TransformSettings(), stage="dev")["States"]["Transform"]["Parameters"]  # type: ignore[index]

    assert sent["DataProcessing"] == {"InputFilter": INPUT_FILTER, "JoinSource": "Input", "OutputFilter": OUTPUT_FILTER}
    assert (INPUT_FILTER, OUTPUT_FILTER) == ("$.record", "$['id','SageMakerOutput']")
    assert sent["TransformInput"]["SplitType"] == sent["TransformOutput"]["AssembleWith"] == "Line"
    assert sent["TransformOutput"]["KmsKeyId"] == sent["TransformResources"]["VolumeKmsKeyId"] == "${KeyArn}"


@pytest.mark.parametrize("line", [b"no json", b'{"id": "a"}', b'{"id": "a", "SageMakerOutput": 1}', b"[]"])
def test_an_output_line_that_is_something_else_is_named(line: bytes) -> None:
    with pytest.raises(RecordError, match=r"out\.jsonl, line 2 is no id with its topic weights"):
        list(decode(b'{"id":"a","SageMakerOutput":{"topic_weights":[1]}}\n' + line + b"\n", where="out.jsonl"))


def test_more_under_way_than_sagemaker_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="together more than the 100 MB"):
        TransformSettings(max_payload_mb=20, max_concurrent_transforms=6)
