from __future__ import annotations

from dataclasses import dataclass

import pytest

from deployment_functions.environment import FromEnvironment


@dataclass(frozen=True)
class Settings(FromEnvironment):
    stage: str
    min_train_shards: int
    max_loss_increase_percent: float
    newest_corpus: str = ""


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stack tells, and a variable that is somebody else's."""
    for name, value in {
        "STAGE": "dev",
        "MIN_TRAIN_SHARDS": "2",
        "MAX_LOSS_INCREASE_PERCENT": "0.5",
        "REGISTRY": "g",
    }.items():
        monkeypatch.setenv(name, value)


def test_each_field_has_the_value_of_the_variable_of_its_name_in_the_fields_type() -> None:
    assert Settings.from_environment() == Settings("dev", 2, 0.5)


def test_a_field_with_a_default_has_its_variable_or_else_that(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().newest_corpus == ""

    monkeypatch.setenv("NEWEST_CORPUS", "/topic-model/dev/newest")
    assert Settings.from_environment().newest_corpus == "/topic-model/dev/newest"


def test_a_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAGE")

    with pytest.raises(KeyError, match="STAGE"):
        Settings.from_environment()


def test_a_variable_that_is_no_number_is_refused_where_a_number_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIN_TRAIN_SHARDS", "two")

    with pytest.raises(ValueError, match="two"):
        Settings.from_environment()
