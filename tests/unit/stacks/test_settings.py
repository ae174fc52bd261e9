from __future__ import annotations

import json
from pathlib import Path

import pytest

from stacks.settings import cdk_json
from stacks.settings import stage as settings
from stacks.settings.errors import SynthError
from training_scripts.hyperparameters import NtmHyperparameters

HASH = "0f" * 32


def load(chosen: dict[str, object], stage: str = "dev") -> settings.StageSettings:
    return cdk_json.load({stage: chosen}, stage=stage)[1]


def test_the_default_stage_is_dev() -> None:
    assert cdk_json.load({"dev": {}, "prod": {}}, stage=None)[0] == "dev"


def test_what_a_stage_leaves_out_is_the_tutorials(monkeypatch: pytest.MonkeyPatch) -> None:
    training = load({}).training

    assert training.instance_count == 2
    assert training.train_distribution == "ShardedByS3Key"
    chosen = training.hyperparameters
    assert (chosen.num_topics, chosen.mini_batch_size, chosen.epochs) == (30, 128, 100)
    assert (chosen.num_patience_epochs, chosen.tolerance) == (5, 0.001)


def test_a_hyperparameter_that_the_tutorial_does_not_name_has_the_algorithms_default() -> None:
    assert load({}).training.hyperparameters.optimizer == NtmHyperparameters(num_topics=2).optimizer


def test_a_stage_of_the_open_ntm_learns_as_it_learns_best_but_for_what_it_is_told() -> None:
    asked = {"hyperparameters": {"num_topics": 20, "learning_rate": 0.01}}

    best, told = (load({"algorithm": "open", **more}).training.hyperparameters for more in ({}, {"training": asked}))

    assert (best.optimizer, best.learning_rate, best.layer_sizes) == ("adam", 0.003, (128,))
    assert (best.encoder_layers_activation, best.num_patience_epochs, best.mini_batch_size) == ("tanh", 15, 128)
    assert told == best.model_copy(update=asked["hyperparameters"])


@pytest.mark.parametrize(
    ("chosen", "size"),
    [
        ({"algorithm": "open"}, 64),
        ({"algorithm": "open", "training": {"hyperparameters": {"mini_batch_size": 100}}}, 100),
        ({"algorithm": "builtin"}, 128),
    ],
)
def test_the_open_ntms_mini_batch_goes_by_the_documents_where_none_is_told(
    chosen: dict[str, object], size: int
) -> None:
    assert load(chosen).for_documents(3000).training.hyperparameters.mini_batch_size == size


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load({}).approval = "automatic"  # type: ignore[misc]


OPEN_URL = {"auth": "NONE", "reserved_concurrency": 5, "open_because": "A public demonstration, for a week"}


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"trainig": {}}, "setting stages.dev.trainig is unknown"),
        (
            {"training": {"instance_count": 0}},
            "setting stages.dev.training.instance_count is '0', but input should be greater than or equal to 1",
        ),
        (
            {"training": {"hyperparameters": {"num_topics": 1}}},
            "setting stages.dev.training.hyperparameters.num_topics is '1', but",
        ),
        (
            {"training": {"hyperparameters": {"optimizer": "lion"}}},
            "but input should be 'sgd', 'adam', 'adagrad', 'adadelta' or 'rmsprop'",
        ),
        ({"training": {"hyperparameters": {"coherence_weight": 3}}}, "coherence_weight is unknown"),
        ({"training": {"instance_type": "c5.xlarge"}}, "input should be an instance type such as ml.c5.xlarge"),
        ({"training": {"instance_type": "ml.c6g.xlarge"}}, "not documented for ARM hosts"),
        ({"training": {"instance_type": "ml.p4d.24xlarge"}}, "of the GPU families p2, p3, g4dn, g5"),
        ({"endpoint": {"min_instances": 3, "max_instances": 2}}, "max_instances is 2, below min_instances 3"),
        ({"endpoint": {"instance_type": "ml.t2.medium"}}, "ml.t2.medium, which cannot autoscale"),
        ({"url": {"auth": "NONE"}}, "set reserved_concurrency too"),
        ({"url": {"auth": "NONE", "reserved_concurrency": 5}}, "say in open_because why that is right"),
        ({"url": {"auth": "NONE", "reserved_concurrency": 5, "open_because": "just so"}}, "at least 20 characters"),
        ({"url": {"open_because": "A public demonstration, for a week"}}, "but auth is AWS_IAM"),
        (
            {"url": {**OPEN_URL, "callers": ["111122223333"]}},
            "an open URL has no need of them",
        ),
        ({"url": {"callers": ["*"]}}, "setting stages.dev.url.callers.0 is '*'"),
        ({"url": {"callers": ["arn:aws:iam::111122223333:root"]}}, "setting stages.dev.url.callers.0 is"),
        ({"url": {"callers": ["111122223333", "111122223333"]}}, "names one caller twice"),
        ({"url": {"callers": ["111122223333"], "enabled": False}}, "callers is set, which is of the URL"),
        ({"url": {"cors": {"origins": []}}}, "setting stages.dev.url.cors.origins"),
        ({"url": {"cors": {"origins": ["*"]}}}, "setting stages.dev.url.cors.origins.0 is '*'"),
        ({"url": {"cors": {"origins": ["http://example.com"]}}}, "setting stages.dev.url.cors.origins.0 is"),
        ({"url": {"cors": {"origins": ["https://example.com/app"]}}}, "setting stages.dev.url.cors.origins.0 is"),
        ({"algorithm": "lda"}, "setting stages.dev.algorithm is 'lda', but input should be 'builtin' or 'open'"),
        (
            {"training": {"switches": {"seed": 1}}},
            "training.switches is set, but algorithm is builtin, which refuses them: remove it, or take open",
        ),
        (
            {"algorithm": "open", "training": {"switches": {"sead": 1}}},
            "setting stages.dev.training.switches.sead is unknown",
        ),
        (
            {"algorithm": "open", "training": {"instance_type": "ml.p2.xlarge"}},
            "training.instance_type is ml.p2.xlarge, whose GPU the open NTM does not run on",
        ),
        ({"corpus": {"s3": {"bucket": "b-c", "prefix": "corpora/newest"}}}, "corpus.s3.prefix is 'corpora/newest'"),
        ({"log_retention_days": 8}, "setting stages.dev.log_retention_days is '8'"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_allowed(chosen: dict[str, object], sentence: str) -> None:
    with pytest.raises(SynthError) as refusal:
        load(chosen)

    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "chosen",
    [
        {"training": {"hyperparameters": {"epochs": True}}},
        {"training": {"hyperparameters": {"mini_batch_size": True}}},
        {"training": {"instance_count": True}},
        {"endpoint": {"min_instances": True}},
        {"rollout": {"max_server_errors": True}},
        {"capture": {"sampling_percent": True}},
        {"transform": {"instance_count": True}},
        {"url": {"reserved_concurrency": True}},
        {"sweep": {"max_concurrency": True}},
        {"retraining": {"schedule": "rate(7 days)", "max_loss_increase_percent": True}},
    ],
)
def test_a_truth_where_a_number_belongs_is_refused_and_not_read_as_one(chosen: dict[str, object]) -> None:
    with pytest.raises(SynthError, match="is 'True', but input should be a number"):
        load(chosen)


def test_an_unknown_stage_is_refused_with_those_there_are() -> None:
    with pytest.raises(SynthError, match="stage is 'test', which cdk.json does not have: choose dev or prod"):
        cdk_json.load({"prod": {}, "dev": {}}, stage="test")


@pytest.mark.parametrize("name", ["Dev", "a-b", "averylongstagename", "1st"])
def test_a_stage_whose_name_would_not_fit_into_a_jobs_is_refused(name: str) -> None:
    with pytest.raises(SynthError, match="a name is a lower-case letter"):
        load({}, stage=name)


def test_a_training_that_a_deploy_cannot_wait_for_is_refused_with_the_three_commands_that_do_it() -> None:
    with pytest.raises(SynthError) as refusal:
        load({"training": {"max_runtime_s": 3001}})

    sentence = str(refusal.value)
    assert "training.max_runtime_s is 3001" in sentence
    for command in (
        ".venv/bin/cdk deploy TopicModel-dev-Training -c stage=dev",
        ".venv/bin/python -m operations.pipeline run --stage dev",
        ".venv/bin/cdk deploy --all -c stage=dev",
    ):
        assert command in sentence


def test_a_training_of_days_is_allowed_where_no_deploy_waits_for_it() -> None:
    training = load({"training": {"max_runtime_s": 400_000, "run_on_deploy": False}}).training

    assert training.max_runtime_s == 400_000


def test_an_s3_corpus_is_named_by_the_hash_at_the_end_of_its_prefix() -> None:
    corpus = load({"corpus": {"s3": {"bucket": "some-bucket", "prefix": f"a/b/{HASH}/"}}}).corpus.s3

    assert corpus is not None
    assert corpus.corpus_hash == HASH


def test_a_settings_file_wins_over_the_stage_key_by_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"training": {"hyperparameters": {"epochs": 7}}}))
    stages = {"dev": {"training": {"instance_count": 1, "hyperparameters": {"num_topics": 20}}}}

    _, chosen = cdk_json.load(stages, stage="dev", overrides=str(file))

    assert chosen.training.instance_count == 1
    assert (chosen.training.hyperparameters.num_topics, chosen.training.hyperparameters.epochs) == (20, 7)


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "cannot be read"), ("{", "is not JSON"), ("[]", "holds list")]
)
def test_a_settings_file_that_is_none_is_refused_by_name(tmp_path: Path, content: str | None, sentence: str) -> None:
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SynthError, match=sentence):
        cdk_json.load({"dev": {}}, stage="dev", overrides=str(file))
