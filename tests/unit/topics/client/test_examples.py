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
from urllib.parse import unquote, urlsplit

import pytest

from scripts.api_page import LANGUAGES, SIMILAR, TOPICS, Page, operations_of, samples, signing

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


def page_run(page: Page, language: str, folder: Path) -> str:
    """Run what a page shows in a language: what signs, and behind it the sample of each operation."""
    asked = [samples(*each, page.variable)[language] for each in operations_of(page.document)]
    program = {"curl": "bash", "Python": sys.executable, "JavaScript": NODE}[language]
    if program is None or (language == "curl" and CURL is None):
        pytest.skip(f"what runs {language} is not installed")
    file = folder / LANGUAGES[language]
    stops = "set -euo pipefail\n" if language == "curl" else ""
    file.write_text("\n".join([stops + signing(language, page.variable), *asked, ""]), encoding="utf-8")
    return run(program, str(file))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_samples_are_answered(url: Any, language: str, tmp_path: Path) -> None:
    answers = page_run(TOPICS, language, tmp_path).splitlines()

    assert [urlsplit(target).path for _, target in url.requests] == list(TOPICS.document["paths"])
    assert len(answers) == len(url.requests)
    assert "Cycling" in answers[0]
    assert "error" not in "".join(answers[:-1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_samples_of_similar_documents_ask_as_they_say(
    url: Any, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPICS_SIMILAR_URL", url.address)
    monkeypatch.delenv("TOPICS_URL")
    url.script = [(200, {"content-type": "application/json"}, b'{"model": "m"}')] * 4

    page_run(SIMILAR, language, tmp_path)

    assert [(method, unquote(target)) for method, target in url.requests] == [
        ("GET", "/similar?id=rds:RestoreDBInstanceFromDBSnapshot"),
        ("POST", "/similar"),
        ("GET", "/health"),
        ("GET", "/openapi.json"),
    ]
