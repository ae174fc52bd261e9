from __future__ import annotations

import json
from datetime import UTC, datetime

from deployment_functions.model_fields import AGE, LOSS, NOT_REPORTED
from deployment_functions.pipeline import model_metrics

NOW_S = 1_000_000_000.0


class Ssm:
    """Parameters that were all written three and a half days ago."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_parameter(self, *, Name: str) -> dict[str, dict[str, datetime]]:
        self.asked.append(Name)
        return {"Parameter": {"LastModifiedDate": datetime.fromtimestamp(NOW_S - 3.5 * 86_400, tz=UTC)}}


def test_a_model_is_as_old_as_its_approval() -> None:
    ssm = Ssm()

    assert model_metrics.age_days(ssm, "/topic-model/dev", now_s=NOW_S) == 3.5
    assert ssm.asked == ["/topic-model/dev/approved/job_name"]


def test_a_loss_is_told_in_cloudwatchs_embedded_format() -> None:
    line = model_metrics.loss_line({"validation_loss": "7.25 built-in-ntm"}, stage="dev", now_s=NOW_S)

    assert line is not None
    told = json.loads(line)
    assert (told["Stage"], told[LOSS]) == ("dev", 7.25)
    [directive] = told["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Stage"]]
    assert [metric["Name"] for metric in directive["Metrics"]] == [LOSS]
    assert told["_aws"]["Timestamp"] == NOW_S * 1000


def test_a_training_that_reported_no_loss_is_not_told_as_one() -> None:
    assert model_metrics.loss_line({"validation_loss": NOT_REPORTED}, stage="dev", now_s=NOW_S) is None


def test_metrics_of_models_have_names_of_their_own() -> None:
    assert len({str(AGE), str(LOSS)}) == 2
