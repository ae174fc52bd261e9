"""What is watched of models: the loss of each training, and the age of the approved one.

Numbers travel in the function's log, in CloudWatch's embedded metric format, so that no role may put metrics.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Final, cast

from deployment_functions import clients
from deployment_functions.model_fields import AGE, APPROVED, LOSS
from deployment_functions.validation_loss import ValidationLoss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import DatedSsm

NAMESPACE: Final = "TopicModel"
_DAY_S: Final = 86_400


def handle(_event: object, _context: object) -> None:
    """Tell the age of the approved model; runs once a day."""
    ssm = cast("DatedSsm", clients.ssm())
    now_s = time.time()
    age = age_days(ssm, os.environ["PARAMETERS"], now_s=now_s)
    print(line(AGE, age, stage=os.environ["STAGE"], now_s=now_s))


def age_days(ssm: DatedSsm, parameters: str, *, now_s: float) -> float:
    """Return how many days ago the approved model was approved."""
    parameter = ssm.get_parameter(Name=f"{parameters}/{APPROVED}/job_name")["Parameter"]
    return max(0.0, now_s - parameter["LastModifiedDate"].timestamp()) / _DAY_S


def loss_line(model: Mapping[str, str], *, stage: str, now_s: float) -> str | None:
    """Return the line that tells a model's validation loss, None where its training reported none."""
    loss = ValidationLoss.read(model["validation_loss"])
    return None if loss is None else line(LOSS, loss.value, stage=stage, now_s=now_s)


def line(name: str, value: float, *, stage: str, now_s: float) -> str:
    """Return one metric of a stage as a line of the embedded metric format."""
    return json.dumps(
        {
            "_aws": {
                "Timestamp": int(now_s * 1000),
                "CloudWatchMetrics": [
                    {"Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": [{"Name": name, "Unit": "None"}]}
                ],
            },
            "Stage": stage,
            name: value,
        }
    )
