from __future__ import annotations

import gc
import subprocess
import sys
import tarfile
from pathlib import Path

import aws_cdk
import pytest

from stacks.head_start import HeadStart

ROOT = Path(__file__).parent.parent.parent.parent
REQUESTS_WHILE_IMPORTING = """
import aws_cdk, cdk_nag
from jsii._kernel.providers.process import _NodeProcess

asked = []
send = _NodeProcess.send
_NodeProcess.send = lambda self, request, response: (asked.append(request), send(self, request, response))[1]
import app

print(asked)
"""


@pytest.fixture(autouse=True)
def _with_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A synth needs no garbage collector; the other tests do."""
    monkeypatch.setattr(gc, "disable", lambda: None)


def test_importing_the_app_asks_nothing_of_the_process_that_is_busy_with_the_validator() -> None:
    run = subprocess.run(
        [sys.executable, "-c", REQUESTS_WHILE_IMPORTING], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "[]"


def test_the_validator_is_cdks_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDK_VALIDATION", raising=False)

    [validator] = HeadStart().validators()

    assert validator.name == "CloudFormation Validate"


def test_the_rules_that_it_goes_without_are_on_game_servers_alone() -> None:
    [package] = (Path(aws_cdk.__file__).parent / "_jsii").glob("aws-cdk-lib@*.jsii.tgz")
    with tarfile.open(package) as archive:
        rules = [archive.extractfile(file) for file in archive if file.name.endswith(".rego")]
        about = {line for file in rules if file for line in file.read().decode().splitlines() if "package " in line[:8]}

    assert about == {"package cdk_rules.gamelift"}


def test_where_the_environment_turns_validation_off_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_VALIDATION", "false")

    assert HeadStart().validators() == []
