from __future__ import annotations

import pytest

from local_cloud import ContainerCommands, LocalCloudError, LocalCloudSettings


def test_settings_survive_the_way_to_the_launcher() -> None:
    settings = LocalCloudSettings(
        containers={"own": ContainerCommands(train=("a", "b"), serve=("c",))}, autoscaling_minute_s=2.5
    )

    assert LocalCloudSettings.from_json(settings.to_json()) == settings


def test_a_variable_shortens_autoscalings_minute() -> None:
    settings = LocalCloudSettings.from_environment({"LOCAL_CLOUD_AUTOSCALING_MINUTE_S": "2", "OTHER": "x"})

    assert settings.autoscaling_minute_s == 2.0


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LOCAL_CLOUD_PING_TIMEOUT_S", "soon", "LOCAL_CLOUD_PING_TIMEOUT_S is 'soon': it must be a number"),
        ("LOCAL_CLOUD_PING_TIMEOUT_S", "0", "ping_timeout_s is 0.0: it must be greater than 0"),
        ("LOCAL_CLOUD_PORTS", "1", "LOCAL_CLOUD_PORTS is not a setting"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(variable: str, value: str, message: str) -> None:
    with pytest.raises(LocalCloudError, match=message):
        LocalCloudSettings.from_environment({variable: value})
