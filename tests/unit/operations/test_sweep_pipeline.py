from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from explore.errors import ExploreError
from operations.stage import DeployedStage
from operations.sweep import command as sweep
from operations.sweep import pipeline as sweep_pipeline
from operations.sweep.pipeline import PipelineSweep
from operations.sweep.scores import scores
from operations.sweep.stage import find_stage
from stacks.settings.stage import StageSettings
from stacks.training.sweep.sweep_job import definition
from tests.unit.operations.refusals import no_stack
from training_scripts.archives import pack
from training_scripts.corpus.progress import Progress
from training_scripts.ntm.artifact import MODEL_FILE, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.sweep.jobs import Job
    from tests.unit.explore.conftest import World

MXNET_FILE = Path(__file__).parents[1] / "explore/data/mxnet-1.9.1.params"


class MissingError(Exception):
    """What boto3's clients raise for what is not there."""


class Aws:
    """A deployed stage with sweeps, whose jobs end at once: all with the world's model, but for those that fail."""

    class exceptions:  # noqa: N801 -- boto3's name
        ClientError = ExecutionDoesNotExist = InvalidArn = MissingError

    def __init__(self, world: World, **settings: object) -> None:
        self._world = world
        stage = StageSettings.model_validate({"sweep": {}, **settings})
        text = json.dumps(definition(stage, stage="dev")).replace("${CorpusHash}", world.manifest.corpus_hash)
        self.definition = text.replace("${TrainingImage}", "1.dkr.ecr.us-east-1.amazonaws.com/ntm:1")
        self.outputs = {"SweepStateMachineArn": "arn:machine"}
        self.started: list[list[dict[str, Any]]] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.failing: set[str] = set()
        self.status = "SUCCEEDED"
        self.archive = _archive(world.model)

    def client(self, name: str) -> Aws:
        return self

    def describe_stacks(self, StackName: str) -> Any:
        if StackName != "TopicModel-dev-Training":
            raise no_stack(StackName)
        return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]}]}

    def describe_state_machine(self, stateMachineArn: str) -> Any:
        return {"definition": self.definition}

    def start_execution(self, *, stateMachineArn: str, name: str, **given: str) -> Any:
        sent = json.loads(given["input"])["jobs"]
        self.started.append(sent)
        for number, job in enumerate(sent):
            failed = job["hyperparameters"]["num_topics"] in self.failing
            training_job = f"topic-model-dev-sweep-{name}-{number}"
            self.jobs[training_job] = {
                "TrainingJobName": training_job,
                "TrainingJobStatus": "Failed" if failed else "Completed",
                "ModelArtifacts": {"S3ModelArtifacts": f"s3://artifacts/sweep/{training_job}/output/model.tar.gz"},
                "FinalMetricDataList": [{"MetricName": "validation:total_loss", "Value": 42.0}],
                **({"FailureReason": "ClientError: too many topics"} if failed else {}),
            }
        return {"executionArn": f"arn:execution:{name}"}

    def describe_execution(self, executionArn: str) -> Any:
        name = executionArn.rpartition(":")[2]
        mine = [job for job in self.jobs.values() if f"-{name}-" in job["TrainingJobName"]]
        if not mine:
            raise MissingError
        answers = [{"job": job["TrainingJobName"], "status": job["TrainingJobStatus"]} for job in mine]
        return {"status": self.status, "output": json.dumps(answers), "cause": "Stopped by somebody"}

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "list_training_jobs"
        return self

    def paginate(self, NameContains: str, StatusEquals: str) -> Any:
        found = [
            {"TrainingJobName": name}
            for name, job in self.jobs.items()
            if NameContains in name and job["TrainingJobStatus"] == StatusEquals
        ]
        # A job a page: whoever looks at the first only brings one model.
        return [{"TrainingJobSummaries": [each]} for each in found]

    def describe_training_job(self, TrainingJobName: str) -> Any:
        if TrainingJobName not in self.jobs:
            raise MissingError
        return self.jobs[TrainingJobName]

    def get_object(self, Bucket: str, Key: str) -> Any:
        return {"Body": io.BytesIO(self.archive)}


def _archive(model: Path) -> bytes:
    """The model with the metrics that a training gives it."""
    found = read(model)
    folder = model.parent / "scored"
    folder.mkdir(exist_ok=True)
    scored = {
        "metrics": {"validation:npmi": 0.3, "validation:tu": 0.9},
        "losses": {"validation": {"total": 40.0, "reconstruction": 38.0, "kl": 2.0}},
    }
    for file in model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / MODEL_FILE).write_text(json.dumps({**found.document, **scored}))
    pack(folder, model.parent / "scored.tar.gz")
    return (model.parent / "scored.tar.gz").read_bytes()


@pytest.fixture
def aws(world: World) -> Aws:
    return Aws(world)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_pipeline, "POLL_S", 0)


def interrupted(_seconds: float) -> None:
    """Instead of sleeping: Ctrl-C."""
    raise KeyboardInterrupt


def planned(aws: Aws, world: World, folder: Path, *topics: str, seeds: int = 2, more: Mapping[str, str] = {}) -> Any:
    deployed = DeployedStage("dev", aws.client)
    stage = find_stage(deployed)
    jobs = sweep.plan(
        [("num_topics", list(topics))],
        {**stage.hyperparameters, **more},
        seeds,
        world.manifest.feature_dim,
        folder / "jobs",
        by="arn:machine",
    )
    return PipelineSweep(deployed, stage, jobs, corpus_folder=world.corpus, progress=Progress("test"))


def test_jobs_are_the_stages_own_but_for_what_varies_and_repeats_have_no_seed_among_their_hyperparameters(
    aws: Aws, world: World, tmp_path: Path
) -> None:
    planned(aws, world, tmp_path, "2", "3").run(tmp_path)

    [sent] = aws.started
    assert [(job["hyperparameters"]["num_topics"], job["repeat"]) for job in sent] == [
        ("2", "0"), ("3", "0"), ("2", "1"), ("3", "1"),
    ]  # fmt: skip
    assert all("seed" not in job["hyperparameters"] for job in sent)
    assert {job["hyperparameters"]["epochs"] for job in sent} == {"100"}
    assert {job["hyperparameters"]["feature_dim"] for job in sent} == {str(world.manifest.feature_dim)}


def test_models_are_brought_and_scored_as_local_ones_are(aws: Aws, world: World, tmp_path: Path) -> None:
    jobs: list[Job] = planned(aws, world, tmp_path, "2", "3").run(tmp_path)

    found = scores(jobs)
    assert [(score.name, score.loss, score.coherence, score.stability) for score in found] == [
        ("num_topics=2", 40.0, 0.3, 1.0), ("num_topics=3", 40.0, 0.3, 1.0),
    ]  # fmt: skip
    assert not (tmp_path / sweep_pipeline.NOTE_FILE).exists()


def test_a_second_run_trains_nothing_and_a_wider_one_only_what_is_missing(
    aws: Aws, world: World, tmp_path: Path
) -> None:
    planned(aws, world, tmp_path, "2", "3", seeds=1).run(tmp_path)
    planned(aws, world, tmp_path, "2", "3", seeds=1).run(tmp_path)
    planned(aws, world, tmp_path, "2", "3", "4", seeds=1).run(tmp_path)

    assert [[job["hyperparameters"]["num_topics"] for job in sent] for sent in aws.started] == [["2", "3"], ["4"]]


def test_an_interrupted_command_goes_on_with_its_execution(
    aws: Aws, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.status = "RUNNING"
    monkeypatch.setattr("time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        planned(aws, world, tmp_path, "2", "3").run(tmp_path)
    assert "--execution-arn arn:execution:" in capsys.readouterr().err
    aws.status = "SUCCEEDED"
    jobs = planned(aws, world, tmp_path, "2", "3").run(tmp_path)

    assert len(aws.started) == 1
    assert all(job.is_done(world.manifest) for job in jobs)


def test_another_sweep_that_goes_on_is_not_followed_by_mistake(
    aws: Aws, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.status = "RUNNING"
    monkeypatch.setattr("time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        planned(aws, world, tmp_path, "2").run(tmp_path)

    with pytest.raises(ExploreError, match="of another sweep goes on"):
        planned(aws, world, tmp_path, "2", more={"epochs": "3"}).run(tmp_path)


def test_a_job_that_fails_is_told_with_its_reason_and_the_others_are_kept(
    aws: Aws, world: World, tmp_path: Path
) -> None:
    aws.failing = {"3"}
    with pytest.raises(ExploreError, match="2 of 4 trainings failed, num-topics-3-seed-0: ClientError: too many"):
        planned(aws, world, tmp_path, "2", "3").run(tmp_path)

    aws.failing = set()
    planned(aws, world, tmp_path, "2", "3").run(tmp_path)
    assert [[job["hyperparameters"]["num_topics"] for job in sent] for sent in aws.started] == [
        ["2", "3", "2", "3"], ["3", "3"],
    ]  # fmt: skip


def test_an_execution_that_is_stopped_ends_the_command_with_its_cause(aws: Aws, world: World, tmp_path: Path) -> None:
    aws.status = "ABORTED"
    with pytest.raises(ExploreError, match="is aborted: Stopped by somebody"):
        planned(aws, world, tmp_path, "2").run(tmp_path)


def test_a_sweep_over_the_stages_budget_is_refused_before_anything_starts(world: World, tmp_path: Path) -> None:
    aws = Aws(world, sweep={"max_jobs": 3})

    with pytest.raises(ExploreError) as refused:
        planned(aws, world, tmp_path, "2", "3")
    assert str(refused.value) == (
        "the sweep is of 4 trainings, up to 21,600 instance-seconds, and the budget of stage 'dev' is 3 trainings, "
        "16,200 instance-seconds: sweep over less, or raise sweep.max_jobs and sweep.max_instance_seconds"
    )
    assert aws.started == []


def test_a_hyperparameter_that_the_builtin_refuses_is_refused_before_anything_starts(
    aws: Aws, world: World, tmp_path: Path
) -> None:
    with pytest.raises(ExploreError, match="'coherence_weight' is the open NTM's own"):
        planned(aws, world, tmp_path, "2", more={"coherence_weight": "3"})
    assert aws.started == []


def test_a_stage_of_another_corpus_is_refused(aws: Aws, world: World, tmp_path: Path) -> None:
    aws.definition = aws.definition.replace(world.manifest.corpus_hash, "0" * 64)
    with pytest.raises(ExploreError, match="trains on corpus 000000000000, and the prepared corpus is"):
        planned(aws, world, tmp_path, "2")


def test_a_stage_without_sweeps_says_what_to_set(aws: Aws, world: World, tmp_path: Path) -> None:
    aws.outputs = {}
    with pytest.raises(ExploreError, match="set sweep to {} and deploy it"):
        planned(aws, world, tmp_path, "2")


def test_a_model_of_the_builtin_is_scored_too(world: World, tmp_path: Path) -> None:
    aws = Aws(world)
    arrays = MXNET_FILE.read_bytes()
    zipped, packed = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("params", arrays)
    with tarfile.open(fileobj=packed, mode="w:gz") as outer:
        entry = tarfile.TarInfo("model_algo-1")
        entry.size = zipped.getbuffer().nbytes
        zipped.seek(0)
        outer.addfile(entry, zipped)
    aws.archive = packed.getvalue()

    with pytest.raises(ExploreError, match=r"the model in .* has 6 words, and the vocabulary \d+"):
        planned(aws, world, tmp_path, "2").run(tmp_path)
