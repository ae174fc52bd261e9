from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from local_cloud import way_in
from local_cloud.shared.settings import DEFAULT_HOME


def stack(name: str, created: str, url: str | None = None) -> dict[str, Any]:
    outputs = [] if url is None else [{"OutputKey": "FunctionUrl", "OutputValue": url}]
    return {"StackName": name, "CreationTime": created, "Outputs": outputs}


STACKS = [
    stack("CDKToolkit", "2026-01-09"),
    stack("TopicModel-dev-Serving", "2026-01-01", "https://dev"),
    stack("TopicModel-prod-Serving", "2026-01-02", "https://prod"),
    stack("TopicModel-prod-Data", "2026-01-03"),
]


@pytest.mark.parametrize(("stage", "url"), [(None, "https://prod"), ("dev", "https://dev"), ("other", None)])
def test_the_url_is_that_of_the_stage_or_of_the_newest(stage: str | None, url: str | None) -> None:
    assert way_in.newest_url(STACKS, stage) == url


def test_a_stack_that_was_updated_is_newer_than_one_that_was_made_since() -> None:
    updated = {**STACKS[1], "LastUpdatedTime": "2026-02-01"}

    assert way_in.newest_url([updated, *STACKS[2:]]) == "https://dev"


@pytest.mark.parametrize("words", ["scaling auto fleet", "l'eau d'été", 'a "quoted" word', "naïve $HOME `ls`"])
def test_what_is_to_be_pasted_is_whole_words_of_a_shell_whatever_the_topics_words_are(words: str) -> None:
    lines = list(way_in._lines("http://127.0.0.1:1/_aws/lambda-url/a/", words, DEFAULT_HOME.resolve()))

    topics, curl, python = (shlex.split(next(line for line in lines if part in line)) for part in
                            ("echo", "curl", "TopicsClient"))  # fmt: skip
    assert topics == ["echo", words, "|", ".venv/bin/topics", "score"]
    assert json.loads(curl[curl.index("-d") + 1]) == {"documents": [words]}
    assert json.dumps(words) in python[2]
    compile(python[2], "line", "exec")
    assert "export TOPICS_URL=http://127.0.0.1:1/_aws/lambda-url/a/" in lines


def test_a_cloud_in_another_folder_is_named_where_it_is_asked() -> None:
    lines = list(way_in._lines("http://127.0.0.1:1/", "word", Path("/a folder")))

    assert "eval \"$(.venv/bin/python -m local_cloud --home '/a folder' env)\"" in lines
