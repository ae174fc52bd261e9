"""What a training job of the open NTM is told beside what the built-in is. Pure: placeholders, no constructs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from training_scripts.script_mode import layout

if TYPE_CHECKING:
    from stacks.settings.stage import TransformSettings
    from training_scripts.hyperparameters import OpenNtmSwitches

CODE_URI: Final = "CodeUri"
"""Placeholder of the bundle's place in S3."""
METRICS: Final = (
    ("train:total_loss", r"train total_loss <loss>=(\S+)"),
    ("validation:total_loss", r"validation total_loss <loss>=(\S+)"),
    ("test:total_loss", r"test total_loss <loss>=(\S+)"),
    ("validation:tu", r"validation tu <score>=(\S+)"),
    ("validation:npmi", r"validation npmi <score>=(\S+)"),
)
"""The service knows where a built-in's metrics stand in its log; for these it must be told."""

TORCHSERVE_REQUEST_BYTES: Final = 6_553_500
"""The model server's own bound, which is above what an endpoint may be sent."""
_MEGABYTE: Final = 1 << 20


def hyperparameters(switches: OpenNtmSwitches | None) -> dict[str, str]:
    """Return the training toolkit's own hyperparameters, in JSON as its SDK sends them, and the switches chosen.

    The toolkit takes the program's name from the environment too, but the folder from here only.
    """
    chosen = switches.as_strings() if switches is not None else {}
    return {
        "sagemaker_program": json.dumps(layout.TRAINING_PROGRAM),
        "sagemaker_submit_directory": json.dumps(layout.SUBMIT_DIRECTORY),
        **chosen,
    }


def code_channel() -> dict[str, object]:
    """Return the channel that brings code and wheels, the same to every instance."""
    return {
        "ChannelName": layout.CODE_CHANNEL,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"${{{CODE_URI}}}",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def metric_definitions() -> list[dict[str, str]]:
    """Return where the open NTM's log has its metrics."""
    return [{"Name": name, "Regex": expression} for name, expression in METRICS]


def hosting_environment(transform: TransformSettings | None = None) -> dict[str, str]:
    """Return the serving container's environment; batch transform may send more than an endpoint may."""
    environment = {
        "SAGEMAKER_PROGRAM": layout.SERVING_PROGRAM,
        "SAGEMAKER_SUBMIT_DIRECTORY": layout.MODEL_SUBMIT_DIRECTORY,
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
    }
    if transform is not None:
        bytes_max = str(max(TORCHSERVE_REQUEST_BYTES, transform.max_payload_mb * _MEGABYTE))
        environment |= {"TS_MAX_REQUEST_SIZE": bytes_max, "TS_MAX_RESPONSE_SIZE": bytes_max}
    return environment
