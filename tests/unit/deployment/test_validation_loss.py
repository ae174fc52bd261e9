from __future__ import annotations

import pytest

from training_scripts.ntm.learning.architecture import Architecture
from training_scripts.ntm.learning.evaluation import loss_definition

from deployment_functions.model_fields import NOT_REPORTED
from deployment_functions.validation_loss import BUILT_IN, DEFINITION, ValidationLoss, definition_of


def test_a_loss_is_read_back_with_what_it_measures() -> None:
    loss = ValidationLoss(412.25, "open-ntm-1 document_weight_words=150.0")

    assert ValidationLoss.read(loss.recorded()) == loss


def test_a_number_that_was_recorded_alone_measures_nobody_knows_what() -> None:
    assert ValidationLoss.read("412.25") == ValidationLoss(412.25, None)


def test_a_loss_whose_definition_is_unknown_is_recorded_as_its_number_alone() -> None:
    assert ValidationLoss(412.25, None).recorded() == "412.25"


def test_a_loss_that_was_not_reported_reads_as_none() -> None:
    assert ValidationLoss.read(NOT_REPORTED) is None


def test_a_model_without_a_description_is_the_built_ins() -> None:
    assert definition_of(None) == BUILT_IN


@pytest.mark.parametrize(
    "told",
    [
        {},
        {DEFINITION: 150},
        {DEFINITION: ""},
        {DEFINITION: "x" * 201},
        {DEFINITION: "two\nlines"},
        {DEFINITION: "a, b"},
    ],
)
def test_a_description_that_does_not_say_it_in_words_that_a_registry_takes_leaves_it_unknown(
    told: dict[str, object],
) -> None:
    assert definition_of(told) is None


@pytest.mark.parametrize("words", [0.0, 150.0, 1_000_000.0, 1e-07])
def test_what_the_open_ntm_says_of_its_loss_can_be_recorded(words: float) -> None:
    architecture = Architecture((8,), "sigmoid", batch_norm=False, clamp_log_variance=True, document_weight_words=words)

    told = loss_definition(architecture)

    assert definition_of({DEFINITION: told}) == told
