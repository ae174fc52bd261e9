"""The tutorial's notebook: kept clean, and run whole on a local cloud as `make notebook` runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks/tutorial.ipynb"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PYTHON = ROOT / ".venv-notebook/bin/python"


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return found


def test_the_notebook_is_kept_without_outputs_and_with_stable_ids() -> None:
    code = [cell for cell in cells(NOTEBOOK) if cell["cell_type"] == "code"]

    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert [cell["id"] for cell in cells(NOTEBOOK)] == [f"cell-{number:02}" for number in range(len(cells(NOTEBOOK)))]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that the cells said."""
    if not PYTHON.exists():
        pytest.skip("there is no .venv-notebook: `make test-all` makes it")
    folder = tmp_path_factory.mktemp("notebook")
    target = folder / "run.ipynb"
    with LocalCloud(home=folder / "home") as cloud:
        done = subprocess.run(
            [PYTHON, ROOT / "scripts/run_notebook.py", NOTEBOOK, target],
            env={
                **cloud.environment(),
                "TOPICS_WORK": str(folder / "work"),
                "TOPICS_ARCHIVE": os.environ.get("TOPICS_ARCHIVE", str(folder / "none")),
                "TOPICS_DESTROY": "yes",
                "CDK_VALIDATION": "false",
                "CI": "1",
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=3600,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    outputs = [output for cell in cells(target) for output in cell.get("outputs", [])]
    texts = ["".join(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in outputs]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    # The CDK CLI colours some of what it says whatever it is told.
    return COLOURS.sub("", "".join(texts)) + f"\n{len(pictures)} pictures\n"


@pytest.mark.slow
@pytest.mark.local_cloud
def test_it_trains_on_two_instances_with_the_tutorials_hyperparameters(said: str) -> None:
    assert "2 x ml.c5.xlarge" in said
    assert re.search(r"train +ShardedByS3Key", said)
    assert re.search(r"validation +FullyReplicated", said)
    for name, value in (("num_topics", 30), ("mini_batch_size", 128), ("epochs", 100), ("num_patience_epochs", 5)):
        assert re.search(rf"{name} +{value}\n", said)


@pytest.mark.slow
@pytest.mark.local_cloud
def test_one_by_one_and_batch_give_the_same_vectors_of_every_document(said: str) -> None:
    found = re.search(r"one by one and in batch differ by (\S+) at most", said)

    assert found is not None
    assert float(found[1]) < 1e-5
    assert re.search(r"[\d,]+ x 30 float32", said)


@pytest.mark.slow
@pytest.mark.local_cloud
def test_the_map_is_drawn_and_neighbours_share_labels_far_more_often_than_by_chance(said: str) -> None:
    found = re.search(r"neighbours of a document's own label: (\S+)%, by chance (\S+)%", said)

    assert found is not None
    assert float(found[1]) > 3 * float(found[2])
    assert "3 pictures" in said


@pytest.mark.slow
@pytest.mark.local_cloud
def test_a_deploy_shows_how_far_it_is_and_no_event_of_a_resource(said: str) -> None:
    assert re.search(r"TopicModel-dev-Serving: \d+ resources, \d+ s", said)
    assert "CREATE_IN_PROGRESS" not in said
    assert "CREATE_COMPLETE" not in said


@pytest.mark.slow
@pytest.mark.local_cloud
def test_the_last_cell_leaves_no_stage(said: str) -> None:
    assert "TopicModel-dev-Data: destroyed" in said
