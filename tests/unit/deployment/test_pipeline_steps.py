from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strangers import STRANGERS
from tests.unit.deployment.fakes import FakeSsm, FakeStepFunctions, execution_arn, model

from deployment_functions import clients
from deployment_functions.ledger import Ledger
from deployment_functions.model_fields import APPROVED, CANDIDATE, NOT_REPORTED, PREVIOUS
from deployment_functions.pipeline import model_archive, pipeline_begin, pipeline_record, topics_file
from deployment_functions.pipeline.pipeline_begin import PipelineError, Settings
from deployment_functions.retrainings.retraining import RetrainingError

SETTINGS = Settings("bucket", "corpora/abc/", "abc", "topic-model-dev-", 2)
FILES = {"train/part-00000.pbr": {"bytes": 5}, "auxiliary/vocab.txt": {"bytes": 6}}
MANIFEST = {
    "corpus_hash": "abc",
    "vocabulary_hash": "v",
    "feature_dim": 2000,
    "shards": {"train": 4},
    "files": FILES,
}


class FakeS3:
    def __init__(self, body: bytes | None) -> None:
        self.body = body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, io.BytesIO]:
        assert (Bucket, Key) == ("bucket", "corpora/abc/corpus.json")
        if self.body is None:
            raise KeyError(Key)
        return {"Body": io.BytesIO(self.body)}


def test_the_corpus_tells_the_job_its_size() -> None:
    manifest = pipeline_begin.read_manifest(FakeS3(json.dumps(MANIFEST).encode()), SETTINGS)  # type: ignore[arg-type]

    sizes = {"train/part-00000.pbr": 5, "auxiliary/vocab.txt": 6}
    assert manifest == {"feature_dim": "2000", "vocabulary_hash": "v", "sizes": sizes}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (None, "the corpus cannot be read: s3://bucket/corpora/abc/corpus.json gave KeyError"),
        (b"[]", "s3://bucket/corpora/abc/corpus.json is not a corpus manifest"),
        (b"\xff", "s3://bucket/corpora/abc/corpus.json is not a corpus manifest"),
        (json.dumps(MANIFEST | {"corpus_hash": "xyz"}).encode(), "is of corpus xyz, but the stage's corpus is abc"),
        (json.dumps(MANIFEST | {"shards": {"train": 1}}).encode(), "has 1 train shards for 2 instances"),
        (json.dumps(MANIFEST | {"files": ["train/part-00000.pbr"]}).encode(), "is not a corpus manifest"),
        (b"[" * 100_000, "is not a corpus manifest"),
    ],
)
def test_a_corpus_that_is_not_what_it_should_be_ends_the_run_with_a_sentence(body: bytes | None, sentence: str) -> None:
    with pytest.raises(PipelineError, match=sentence):
        pipeline_begin.read_manifest(FakeS3(body), SETTINGS)  # type: ignore[arg-type]


class ListedS3:
    """A bucket with a whole corpus, and with what a test puts beside it or takes away."""

    def __init__(self, changed: dict[str, int | None]) -> None:
        there = {"corpus.json": 99, "train/part-00000.pbr": 5, "auxiliary/vocab.txt": 6, **changed}
        self.sizes = {f"corpora/abc/{name}": size for name, size in there.items() if size is not None}

    def get_paginator(self, operation_name: str) -> ListedS3:
        assert operation_name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, list[dict[str, object]]]]:
        assert (Bucket, Prefix) == ("bucket", "corpora/abc/")
        for key, size in self.sizes.items():
            yield {"Contents": [{"Key": key, "Size": size}]}


def refuse(changed: dict[str, int | None]) -> None:
    sizes = {name: described["bytes"] for name, described in FILES.items()}
    pipeline_begin.refuse_other_objects(ListedS3(changed), SETTINGS, sizes)  # type: ignore[arg-type]


def test_a_folder_of_the_manifests_files_and_no_others_is_trained_on() -> None:
    refuse({})


@pytest.mark.parametrize("name", STRANGERS)
def test_an_object_beside_the_corpus_is_refused_by_name_before_a_job_reads_it(name: str) -> None:
    with pytest.raises(PipelineError, match=f"holds 1 object that its manifest does not name.*delete {name!a}$"):
        refuse({name: 5})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"train/part-00000.pbr": None}, "train/part-00000.pbr is missing"),
        ({"train/part-00000.pbr": 4}, "train/part-00000.pbr has 4 bytes, where its manifest says 5"),
    ],
)
def test_a_file_that_is_missing_or_of_another_size_is_refused_by_name(
    changed: dict[str, int | None], sentence: str
) -> None:
    with pytest.raises(PipelineError, match=sentence):
        refuse(changed)


def test_a_run_that_is_alone_goes_on() -> None:
    pipeline_begin.refuse_second_run(FakeStepFunctions("mine"), execution_arn("mine"))


def test_of_two_runs_the_later_one_is_refused_by_the_name_of_the_other() -> None:
    with pytest.raises(PipelineError, match="run earlier of the training pipeline is under way"):
        pipeline_begin.refuse_second_run(FakeStepFunctions("earlier", "mine"), execution_arn("mine"))


def test_of_two_runs_the_earlier_one_goes_on() -> None:
    pipeline_begin.refuse_second_run(FakeStepFunctions("mine", "later"), execution_arn("mine"))


@given(st.text(min_size=1, max_size=80, alphabet=st.characters(codec="ascii", exclude_characters=":")))
def test_a_job_can_bear_the_name_of_any_run(run: str) -> None:
    name = pipeline_begin.job_name("topic-model-dev-", run)

    assert len(name) <= 63
    assert name.startswith("topic-model-dev-") or name == "topic-model-dev-"


RUN = {"corpus_hash": "abc", "vocabulary_hash": "v", "feature_dim": "2000", "job_name": "job"}


def trained(*losses: float) -> pipeline_record.Event:
    return {
        "run": RUN,
        "definition_hash": "d1",
        "num_topics": "30",
        "training": {
            "TrainingJobName": "job",
            "ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/models/job/output/model.tar.gz"},
            "FinalMetricDataList": [
                *(pipeline_record.Metric(MetricName="validation:total_loss", Value=loss) for loss in losses),
                pipeline_record.Metric(MetricName="train:total_loss", Value=1.0),
            ],
        },
    }


def test_what_is_recorded_is_what_the_job_and_the_corpus_say() -> None:
    assert pipeline_record.fields(trained(412.25), loss_definition="built-in-ntm") == {
        "artifact_uri": "s3://artifacts/models/job/output/model.tar.gz",
        "job_name": "job",
        "corpus_hash": "abc",
        "vocabulary_hash": "v",
        "validation_loss": "412.25 built-in-ntm",
        "feature_dim": "2000",
        "num_topics": "30",
        "definition_hash": "d1",
    }


def test_a_loss_that_was_not_reported_is_recorded_as_such() -> None:
    assert pipeline_record.fields(trained(), loss_definition="built-in-ntm")["validation_loss"] == NOT_REPORTED


@pytest.mark.parametrize(
    ("approval", "has_one", "approved"),
    [("automatic", True, True), ("automatic", False, True), ("manual", False, True), ("manual", True, False)],
)
def test_a_model_goes_into_service_by_itself_when_the_stage_says_so_or_it_is_the_first(
    approval: pipeline_record.Approval, has_one: bool, approved: bool
) -> None:
    ledger = Ledger(FakeSsm(), "/topic-model/dev")
    if has_one:
        ledger.approve(model("old"))

    assert pipeline_record.record(ledger, model("new"), approval=approval) is approved
    assert ledger.read(CANDIDATE) == model("new")
    assert ledger.read(APPROVED) == model("new" if approved else "old")


def test_recording_twice_is_as_good_as_once() -> None:
    ledger = Ledger(FakeSsm(), "/topic-model/dev")
    ledger.approve(model("old"))

    pipeline_record.record(ledger, model("new"), approval="automatic")
    pipeline_record.record(ledger, model("new"), approval="automatic")

    assert ledger.read(PREVIOUS) == model("old")


def test_a_retraining_reads_the_corpus_that_its_run_names_beside_the_stages_own() -> None:
    newest = "b" * 64

    asked = pipeline_begin.retraining_of({"retraining": {"corpus_hash": newest}})

    assert asked == newest
    of_newest = SETTINGS.of_corpus(newest)
    assert (of_newest.corpus_prefix, of_newest.corpus_hash) == (f"corpora/{newest}/", newest)


@pytest.mark.parametrize("run_input", [None, {}, {"cloudformation": {}}])
def test_another_run_reads_the_stages_own_corpus(run_input: object) -> None:
    assert pipeline_begin.retraining_of(run_input) is None


@pytest.mark.parametrize("corpus_hash", ["../other", "", None, "B" * 64])
def test_a_retraining_of_what_is_no_corpus_is_refused(corpus_hash: object) -> None:
    with pytest.raises(RetrainingError, match="no hash of a corpus"):
        pipeline_begin.retraining_of({"retraining": {"corpus_hash": corpus_hash}})


def handled(
    monkeypatch: pytest.MonkeyPatch, description: dict[str, object] | None
) -> tuple[dict[str, object], FakeSsm]:
    """What the step answers of a retraining whose model describes itself like this, and the parameters after it."""
    ssm = FakeSsm()
    for name, value in (("PARAMETERS", "/topic-model/dev"), ("APPROVAL", "automatic"), ("STAGE", "dev")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clients, "ssm", lambda: ssm)
    monkeypatch.setattr(clients, "s3", lambda: None)
    monkeypatch.setattr(model_archive, "describe", lambda _s3, _uri: description)
    monkeypatch.setattr(topics_file, "publish", lambda _s3, _uri, _description: False)
    return pipeline_record.handle(trained(412.25) | {"run": RUN | {"retraining": "true"}}, None), ssm


def test_what_a_retraining_made_is_returned_and_left_to_its_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, ssm = handled(monkeypatch, None)

    assert answer == {
        "model": pipeline_record.fields(trained(412.25), loss_definition="built-in-ntm"),
        "approved": False,
    }
    assert ssm.values == {}


def test_what_a_loss_measures_is_recorded_as_the_model_describes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, _ = handled(monkeypatch, {"loss_definition": "open-ntm-1 document_weight_words=150.0"})

    model = answer["model"]
    assert isinstance(model, dict)
    assert model["validation_loss"] == "412.25 open-ntm-1 document_weight_words=150.0"
