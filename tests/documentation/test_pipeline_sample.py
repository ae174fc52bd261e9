"""The sample of a pipeline: what linters say of it, what it may do, and its commands, run in a local cloud."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.documentation.blocks import ROOT
from tests.documentation.test_commands import Reader, reader

__all__ = ["reader"]

SAMPLE: Final = ROOT / "docs" / "examples" / "github-actions"
WORKFLOW: Final = SAMPLE / "deploy.yml"
JOBS: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
LINT: Final = ROOT / ".venv-lint" / "bin"
PINNED: Final = re.compile(r"- uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v[\d.]+$")
LOOKS_AT: Final = {
    "check-jsonschema": ["--builtin-schema", "vendor.github-workflows"],
    "zizmor": ["--offline", "--no-progress", "--persona", "pedantic"],
    "cfn-lint": [],
}
COMMENTS: Final = """#!/bin/sh
cp build/comment.md build/commented.md
echo "$@" > build/asked.txt
"""


CloudFormation: Any = type("CloudFormation", (yaml.SafeLoader,), {})
"""Reads the short forms of intrinsic functions as objects of their names."""
CloudFormation.add_multi_constructor(
    "!",
    lambda loader, name, node: {
        name: loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_scalar(node)
    },
)
ROLE: dict[str, Any] = yaml.load((SAMPLE / "role.yaml").read_text(encoding="utf-8"), Loader=CloudFormation)


@pytest.mark.slow
@pytest.mark.parametrize("linter", LOOKS_AT)
def test_linters_find_nothing(linter: str) -> None:
    if not (LINT / linter).is_file():
        pytest.skip(f"there is no {linter} in .venv-lint: make lint-templates makes it")
    file = SAMPLE / "role.yaml" if linter == "cfn-lint" else WORKFLOW
    ran = subprocess.run(
        [LINT / linter, *LOOKS_AT[linter], file], capture_output=True, text=True, check=False, timeout=120
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_is_not_active_in_this_project() -> None:
    assert not (ROOT / ".github").exists()


def test_every_action_is_pinned_by_its_commit() -> None:
    uses = [line.strip() for line in WORKFLOW.read_text(encoding="utf-8").splitlines() if "uses:" in line]

    assert [line for line in uses if not PINNED.match(line)] == []
    assert len(uses) > 2


def test_a_job_may_do_what_it_does_alone() -> None:
    told = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    deploys = {"contents": "read", "id-token": "write"}

    assert told["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "changes": {"contents": "read", "pull-requests": "write"},
        "dev": deploys,
        "prod": deploys,
    }
    assert (JOBS["prod"]["needs"], JOBS["dev"]["environment"], JOBS["prod"]["environment"]) == ("dev", "dev", "prod")
    assert "pull_request_target" not in told[True]


def test_prod_is_deployed_as_dev_was() -> None:
    assert JOBS["prod"]["steps"] == JOBS["dev"]["steps"]


def test_the_role_is_of_one_environment_and_may_assume_the_roles_of_the_bootstrap_alone() -> None:
    role = ROLE["Resources"]["Deployer"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    [policy] = role["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]

    assert set(role) == {"MaxSessionDuration", "AssumeRolePolicyDocument", "Policies"}
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {"Sub": "repo:${Repository}:environment:${Environment}"},
        }
    }
    assert statement["Action"] == "sts:AssumeRole"
    assert [
        re.sub(r".*:role/cdk-\$\{Qualifier\}-([a-z-]+)-\$.*", r"\1", arn["Sub"]) for arn in statement["Resource"]
    ] == ["deploy-role", "file-publishing-role", "lookup-role"]
    # A deploy may wait an hour for a training; what asks for a longer session than the role has gets none.
    asked = {
        step["with"]["role-duration-seconds"]
        for job in JOBS.values()
        for step in job["steps"]
        if "role-to" in str(step)
    }
    assert asked == {role["MaxSessionDuration"]}


def run_job(reader: Reader, name: str, **variables: str) -> str:
    """Run a job's commands as the runner of GitHub does, each step in a shell of its own; return what they wrote."""
    written = ""
    # No resolver knows the public name of a URL of the local cloud.
    variables["TOPICS_VIA"] = reader.environment["AWS_ENDPOINT_URL"]
    for step in JOBS[name]["steps"]:
        if "run" in step:
            ran = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
                cwd=reader.copy, env={**reader.environment, **JOBS[name].get("env", {}), **variables},
                capture_output=True, text=True, check=False, timeout=1200,
            )  # fmt: skip
            assert ran.returncode == 0, f"{name}: {step['run']}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
            written += ran.stdout
    return written


@pytest.fixture(scope="module")
def repository(reader: Reader) -> Reader:
    """A reader's copy under version control, with a cloud and a `gh` that keeps what it is asked."""
    if not reader.is_up:
        reader.up()
    git = ["git", "-c", "user.name=Reader", "-c", "user.email=reader@example.com"]
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Begin"]):
        subprocess.run([*git, *command], cwd=reader.copy, check=True, capture_output=True)
    gh = Path(reader.environment["PATH"].split(":")[0]) / "gh"
    gh.write_text(COMMENTS, encoding="utf-8")
    gh.chmod(0o755)
    return reader


@pytest.mark.slow
@pytest.mark.local_cloud
def test_its_commands_comment_the_changes_of_a_pull_request(repository: Reader) -> None:
    settings = repository.copy / "cdk.json"
    before = settings.read_text(encoding="utf-8")
    changed = before.replace('"log_retention_days": 365', '"log_retention_days": 400')
    assert changed != before
    settings.write_text(changed, encoding="utf-8")

    try:
        run_job(repository, "changes", BASE="HEAD", REQUEST="7", GH_TOKEN="none")
    finally:
        settings.write_text(before, encoding="utf-8")
        shutil.rmtree(repository.copy / "base", ignore_errors=True)

    comment = (repository.copy / "build" / "commented.md").read_text(encoding="utf-8").splitlines()
    assert (repository.copy / "build" / "asked.txt").read_text(encoding="utf-8").startswith("pr comment 7 --body-file")
    changes = [line for line in comment if line.startswith(("changed", "added", "removed"))]
    assert changes
    assert all("RetentionInDays" in line and "365" in line and "400" in line for line in changes)


@pytest.mark.slow
@pytest.mark.local_cloud
@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_its_commands_deploy_a_stage_and_ask_it(repository: Reader, stage: str) -> None:
    written = run_job(repository, stage)

    assert "ok: model topic-model-" in written
    assert "%" in written.splitlines()[-1]
