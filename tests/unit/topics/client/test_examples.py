"""The examples in the documentation, run as a reader would run them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
EXAMPLES = ROOT / "docs" / "examples"
NODE = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
CURL = shutil.which("curl")


def run(*command: str) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_the_curl_example_gets_json_csv_and_topics(url: Any) -> None:
    documents, *weights, _, topics = run(str(EXAMPLES / "topics.sh")).splitlines()

    assert [one["topics"][0]["label"] for one in json.loads(documents)["predictions"]] == ["Cycling", "Rail"]
    assert [[float(cell) for cell in row] for row in csv.reader(weights)] == [[0, 1, 0], [0.5, 0, 0.5]]
    assert [topic["label"] for topic in json.loads(topics)["topics"]] == ["Cycling", "Driving", "Rail"]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_javascript_example_shows_the_topics_of_each_text(url: Any, problem: Any) -> None:
    url.script = [problem(503, "model_changing", retry=True)]

    assert run(str(NODE), str(EXAMPLES / "topics.mjs"), "my bike", "train & car?").splitlines() == [
        "my bike: 100% Cycling, 0% Driving, 0% Rail",
        "train & car?: 50% Driving, 50% Rail, 0% Cycling",
    ]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_the_javascript_example_tells_what_is_wrong(url: Any) -> None:
    done = subprocess.run(
        [str(NODE), str(EXAMPLES / "topics.mjs"), "unseen"], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode != 0
    assert "422 no_known_words" in done.stderr


def test_the_python_example_runs(url: Any) -> None:
    lines = run(sys.executable, str(EXAMPLES / "topics.py")).splitlines()

    assert lines[0] == "[('Cycling', 1.0), ('Driving', 0.0)]"
    assert lines[2:4] == ["(0.0, 1.0, 0.0)", "no_known_words"]
