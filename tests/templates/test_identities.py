"""What a deployed stage is found by again: an upgrade may change code and values, and no identity.

The record is of the commit that it names. It is made by this file itself, in a worktree of that commit:
`python -m pytest tests/templates/test_identities.py --update-snapshots`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.templates.conftest import Synthesize, Templates, build

RECORD = Path(__file__).parent / "snapshots" / "identities.json"
COMMIT = "7b50c53"
MORE = {"retraining": {"schedule": "cron(0 3 ? * SUN *)"}, "sweep": {}, "transform": {"schedule": "rate(7 days)"}}
STAGES = ("dev", "prod", "dev with more", "prod with more")
PARTS = ("data", "training", "serving")
_VERSION_HASH = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")
"""A function's version is named by its code, which may change."""


def identities(template: Mapping[str, Any]) -> dict[str, str]:
    """The type of every resource, by its logical id."""
    return {_VERSION_HASH.sub(r"\1", name): each["Type"] for name, each in template["Resources"].items()}


def definition_hash(templates: Templates) -> str:
    """What the training of a stage is known by."""
    [model] = templates["training"].find_resources("Custom::TrainedModel").values()
    return str(model["Properties"]["DefinitionHash"])


@pytest.fixture(scope="module")
def stages(dev: Templates, prod: Templates, synthesize: Synthesize, corpus_folder: Path) -> dict[str, Templates]:
    return {
        "dev": dev,
        "prod": prod,
        "dev with more": synthesize(MORE),
        "prod with more": build(corpus_folder, MORE, stage="prod"),
    }


@pytest.fixture(scope="module")
def record(stages: dict[str, Templates], request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.config.getoption("--update-snapshots") and not RECORD.exists():
        kept = {
            name: {
                "definition_hash": definition_hash(templates),
                **{part: identities(templates[part].to_json()) for part in PARTS},
            }
            for name, templates in stages.items()
        }
        RECORD.write_text(json.dumps({"commit": COMMIT, "stages": kept}, indent=1, sort_keys=True) + "\n")
    loaded: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("part", PARTS)
def test_no_resource_is_lost_or_renamed(
    stages: dict[str, Templates], record: dict[str, Any], stage: str, part: str
) -> None:
    now, then = identities(stages[stage][part].to_json()), record["stages"][stage][part]

    assert {name: now.get(name) for name in then} == then


@pytest.mark.parametrize("stage", STAGES)
def test_a_training_of_the_built_in_algorithm_is_known_by_the_same_hash(
    stages: dict[str, Templates], record: dict[str, Any], stage: str
) -> None:
    assert definition_hash(stages[stage]) == record["stages"][stage]["definition_hash"]
