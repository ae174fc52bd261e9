"""Every two settings that may stand together do so in one of these stages, each of which can be deployed and run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from local_cloud.cloudformation.templates import problems
from rules.engine import Template, check_all
from tests.combinations import closures
from tests.combinations.assembly import Assembly
from tests.combinations.conftest import Synthesized
from tests.combinations.settings_space import Row, covering
from tests.synths import ROOT

pytestmark = pytest.mark.slow
ROWS = covering()
LINT = ROOT / ".venv-lint" / "bin" / "python"


@pytest.fixture(scope="module", params=range(len(ROWS)))
def row(request: pytest.FixtureRequest) -> Row:
    """One combination."""
    chosen: Row = ROWS[request.param]
    return chosen


@pytest.fixture(scope="module")
def assembly(row: Row, synthesized: Synthesized) -> Assembly:
    """Its templates."""
    return synthesized(row)


def test_it_breaks_no_own_rule(assembly: Assembly) -> None:
    assert check_all(Template(part, template) for part, template in assembly.templates.items()) == []


def test_it_is_a_template_that_cloudformation_takes(assembly: Assembly) -> None:
    assert [problem for template in assembly.templates.values() for problem in problems(template, {})] == []


def test_cloudformation_may_do_by_the_serving_stacks_role_what_its_resources_take(row: Row, assembly: Assembly) -> None:
    role = closures.serving_role(assembly)

    assert (role is None) == (row["retraining"] == "none")
    assert role is None or sorted(closures.beyond_the_stacks_role(assembly, role)) == []


def test_every_call_in_a_functions_code_lies_within_its_policy_and_passes_its_network(assembly: Assembly) -> None:
    assert sorted(closures.beyond_the_functions_policy(assembly)) == []


def test_every_roles_policy_lies_within_its_boundary(assembly: Assembly) -> None:
    assert sorted(closures.beyond_the_boundary(assembly)) == []


def test_every_custom_resource_in_the_vpc_reaches_s3_until_it_has_answered(assembly: Assembly) -> None:
    assert sorted(closures.without_a_way_to_answer(assembly)) == []


def test_no_policy_is_longer_than_iam_takes(assembly: Assembly) -> None:
    assert sorted(closures.too_long(assembly)) == []


def test_cfn_lint_finds_nothing_in_any_of_them(synthesized: Synthesized, tmp_path: Path) -> None:
    if not LINT.is_file():
        pytest.skip(f"{LINT.parents[1]} is not there: make lint-templates makes it")
    for number, each in enumerate(ROWS):
        for part, template in synthesized(each).templates.items():
            (tmp_path / f"{number}-{part}.template.json").write_text(json.dumps(template), encoding="utf-8")

    done = subprocess.run(
        [LINT, ROOT / "scripts" / "lint_templates.py", tmp_path, "--only-cfn-lint"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
