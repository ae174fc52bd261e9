from __future__ import annotations

import pytest
from pydantic import ValidationError

from training_scripts.hyperparameters import (
    OPEN_NTM_VALUES,
    HyperparameterError,
    NtmHyperparameters,
    OpenNtmSwitches,
    default_mini_batch_size,
    parse_job_hyperparameters,
)
from training_scripts.ntm.learning.architecture import Architecture

REQUIRED = {"feature_dim": "2000", "num_topics": "30"}


def test_defaults_are_the_documented_ones_and_go_to_the_job_as_strings() -> None:
    assert NtmHyperparameters(num_topics=30).for_job(2000) == {
        "feature_dim": "2000",
        "num_topics": "30",
        "batch_norm": "false",
        "encoder_layers": "auto",
        "encoder_layers_activation": "sigmoid",
        "epochs": "50",
        "learning_rate": "0.001",
        "mini_batch_size": "256",
        "num_patience_epochs": "3",
        "optimizer": "adadelta",
        "rescale_gradient": "1.0",
        "sub_sample": "1.0",
        "tolerance": "0.001",
        "weight_decay": "0.0",
    }


def test_what_goes_to_the_job_is_read_back_the_same() -> None:
    settings = NtmHyperparameters(
        num_topics=7, batch_norm=True, clip_gradient=0.5, encoder_layers="64, 32", optimizer="adam", tolerance=1e-6
    )
    switches = OpenNtmSwitches(coherence_weight=3, seed=5)

    parsed = parse_job_hyperparameters({**settings.for_job(100), **switches.as_strings()})

    assert (parsed.feature_dim, parsed.ntm, parsed.switches) == (100, settings, switches)
    assert parsed.ntm.layer_sizes == (64, 32)


def test_auto_means_a_layer_of_three_times_the_topics_and_one_of_twice() -> None:
    assert NtmHyperparameters(num_topics=30).layer_sizes == (90, 60)


@pytest.mark.parametrize("written", ["[20, 10]", "20,10", " [20,10] "])
def test_layers_are_read_as_the_sdks_own_class_writes_them_and_as_a_comma_list(written: str) -> None:
    assert parse_job_hyperparameters({**REQUIRED, "encoder_layers": written}).ntm.layer_sizes == (20, 10)


def test_an_infinite_clip_gradient_is_no_clipping() -> None:
    parsed = parse_job_hyperparameters({**REQUIRED, "clip_gradient": "Infinity"})

    assert parsed.ntm.clip_gradient is None


def test_a_tuning_jobs_own_hyperparameter_passes() -> None:
    parse_job_hyperparameters({**REQUIRED, "_tuning_objective_metric": "validation:total_loss"})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("feature_dim", "0", "1 to 1000000"),
        ("feature_dim", "1000001", "1 to 1000000"),
        ("num_topics", "1", "2 to 1000"),
        ("num_topics", "many", "a valid integer"),
        ("batch_norm", "yes", "true or false"),
        ("clip_gradient", "0", "0.001 or more"),
        ("encoder_layers", "64,-1", "auto or a comma list"),
        ("encoder_layers", "", "auto or a comma list"),
        ("encoder_layers", "20,10]", "auto or a comma list"),
        ("encoder_layers", "[]", "auto or a comma list"),
        ("encoder_layers", "[[20, 10]]", "auto or a comma list"),
        ("encoder_layers_activation", "swish", "'sigmoid', 'tanh' or 'relu'"),
        ("epochs", "0", "1 or more"),
        ("learning_rate", "2", "1e-06 to 1.0"),
        ("mini_batch_size", "10001", "1 to 10000"),
        ("num_patience_epochs", "0", "1 or more"),
        ("optimizer", "lion", "'sgd', 'adam', 'adagrad', 'adadelta' or 'rmsprop'"),
        ("rescale_gradient", "0", "0.001 to 1.0"),
        ("sub_sample", "1.5", "0.0 to 1.0"),
        ("tolerance", "nan", "1e-06 to 0.1"),
        ("weight_decay", "-1", "0.0 to 1.0"),
        ("coherence_weight", "-1", "0.0 to 10000.0"),
        ("prior_variance", "0", "0.01 to 100.0"),
        ("kl_weight", "1.1", "0.01 to 1.0"),
        ("weight_exponent", "0.5", "1.0 to 4.0"),
    ],
)
def test_a_value_out_of_range_is_refused_in_one_sentence_with_name_value_and_range(
    name: str, value: str, allowed: str
) -> None:
    with pytest.raises(HyperparameterError) as refusal:
        parse_job_hyperparameters({**REQUIRED, name: value})

    message = str(refusal.value)
    assert repr(name) in message
    assert repr(value) in message
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize("missing", ["feature_dim", "num_topics"])
def test_a_required_name_that_is_missing_is_told(missing: str) -> None:
    given = {name: value for name, value in REQUIRED.items() if name != missing}

    with pytest.raises(HyperparameterError, match=f"'{missing}' is required"):
        parse_job_hyperparameters(given)


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(HyperparameterError, match="'num_topic' is unknown; known are .*num_topics"):
        parse_job_hyperparameters({**REQUIRED, "num_topic": "3"})


def test_settings_do_not_take_true_for_one() -> None:
    with pytest.raises(ValidationError):
        NtmHyperparameters(num_topics=30, epochs=True)


def test_every_ingredient_is_off_in_the_plain_ntm() -> None:
    plain = OpenNtmSwitches.plain()

    ingredients = plain.model_dump(exclude={"seed", "max_memory_mb"})
    assert ingredients == {
        "nmf_initialization": False,
        "unigram_bias": False,
        "input_weighting": "counts",
        "clamp_log_variance": False,
        "least_input_share": 1,
        "document_weight_words": 0,
        "prior_variance": 1,
        "kl_weight": 1,
        "topic_information": 0,
        "decoder_rate": 1,
        "parameter_averaging": 0,
        "coherence_weight": 0,
        "coherence_unseen_share": 0,
        "coherence_background_share": 0.25,
        "coherence_temperature": 1,
        "topic_repulsion": 0,
        "weight_exponent": 1,
    }


@pytest.mark.parametrize(
    ("topics", "prior", "divergence", "information"),
    [(2, 4.0, 1.0, 0.0), (30, 4.0, 1.0, 0.0), (50, 2.4, 0.465, 2.141), (100, 2.0, 0.164, 3.343)],
)
def test_with_more_topics_the_prior_is_narrower_the_divergence_lighter_and_their_information_counts(
    topics: int, prior: float, divergence: float, information: float
) -> None:
    ntm = NtmHyperparameters.model_validate({"num_topics": topics, **OPEN_NTM_VALUES})

    assert OpenNtmSwitches().by_topics(ntm) == pytest.approx((prior, divergence, information), abs=1e-3)


def test_a_job_by_adadelta_has_the_published_models_prior() -> None:
    assert Architecture.of(NtmHyperparameters(num_topics=30), OpenNtmSwitches()).prior_variance == 1


def test_what_goes_by_the_topics_is_taken_as_it_is_told_also_zero() -> None:
    told = {"prior_variance": "0.5", "kl_weight": "0.9", "topic_information": "0"}
    job = parse_job_hyperparameters({**REQUIRED, "num_topics": "100", "optimizer": "adam", **told})

    assert job.switches.by_topics(job.ntm) == (0.5, 0.9, 0.0)


@pytest.mark.parametrize(
    ("documents", "size"),
    [(0, 32), (1, 32), (2047, 32), (2048, 64), (4095, 64), (4096, 128), (7610, 128), (10**7, 128)],
)
def test_the_mini_batch_is_the_power_of_two_that_makes_32_steps_or_more(documents: int, size: int) -> None:
    assert default_mini_batch_size(documents) == size
