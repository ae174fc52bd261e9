from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from stacks.serving.transform import transform_job
from stacks.settings.stage import StageSettings
from stacks.shared.retries import JOB_NOT_TAKEN
from stacks.training import training_pipeline
from stacks.training.preparation import preparation_job
from stacks.training.sweep import sweep_job

STAGE = StageSettings.model_validate(
    {
        "sweep": {},
        "preparation": {"documents": {"bucket": "documents", "prefix": "all/"}},
        "transform": {"schedule": "rate(7 days)"},
    }
)


def jobs(value: object) -> Iterator[Mapping[str, object]]:
    """Yield every state that runs a job, those of maps too."""
    if isinstance(value, Mapping):
        if "sagemaker:create" in str(value.get("Resource")):
            yield value
        for item in value.values():
            yield from jobs(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from jobs(item)


@pytest.mark.parametrize(
    "definition",
    [
        training_pipeline.definition(STAGE.training, stage="dev", algorithm="builtin", definition_hash="h"),
        transform_job.definition(STAGE.transform, stage="dev"),
        sweep_job.definition(STAGE, stage="dev"),
        preparation_job.definition(STAGE.preparation, stage="dev") if STAGE.preparation else {},
    ],
    ids=["training", "transform", "sweep", "preparation"],
)
def test_every_kind_of_job_is_tried_again_alike(definition: Mapping[str, object]) -> None:
    tasks = list(jobs(definition))

    assert tasks
    assert all(task["Retry"][0] == JOB_NOT_TAKEN for task in tasks if isinstance(task["Retry"], list))
    assert all(isinstance(task["Retry"], list) for task in tasks)
