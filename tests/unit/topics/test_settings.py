from __future__ import annotations

import pytest

from topics_function.settings import Settings
from url_functions.environment import SettingsError

LEAST = {"ENDPOINT_NAME": "topics", "IN_SERVICE_PARAMETER": "/in-service", "AWS_REGION": "eu-west-1"}


def test_the_least_environment_gives_the_limits_of_the_service() -> None:
    settings = Settings.from_environment(LEAST)

    assert (settings.max_payload_bytes, settings.read_timeout_s, settings.corpus_bucket) == (6_291_456, 61, None)


def test_a_serverless_endpoint_may_take_smaller_calls() -> None:
    assert Settings.from_environment(LEAST | {"MAX_PAYLOAD_BYTES": "4194304"}).max_payload_bytes == 4_194_304


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENDPOINT_NAME", ""),
        ("LOG_LEVEL", "LOUD"),
        ("MAX_PAYLOAD_BYTES", "6291457"),
        ("MAX_ROWS", "0"),
        ("MAX_ROWS", "many"),
        ("MAX_ROWS", "-1"),
        ("MAX_ROWS", "²"),
    ],
)
def test_a_wrong_variable_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(LEAST | {name: value})
