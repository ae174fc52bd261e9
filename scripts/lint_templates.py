# ruff: noqa: INP001
"""Hold synthesized templates against cfn-lint and Checkov: nothing found but what is acknowledged, and nothing else is.

Usage: .venv-lint/bin/python scripts/lint_templates.py FOLDER [--only-cfn-lint]    (a cdk.out)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ONLY_CFN_LINT = "--only-cfn-lint"
IGNORED = ("W3005", "W6001")
"""CDK writes what a resource waits for even where a reference says it too: redundant, and right. And an output may
tell a person what another stack exports."""


def main() -> int:
    """Return 0 if both find nothing, 1 if one finds something, 2 where there is nothing to look at."""
    arguments = [each for each in sys.argv[1:] if each != ONLY_CFN_LINT]
    quick = ONLY_CFN_LINT in sys.argv
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    templates = sorted(Path(arguments[0]).glob("*.template.json"))
    if not templates:
        print(f"lint: there are no templates in {arguments[0]}: run make synth first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        for template in templates:
            # cfn-lint's schema of state machines knows but the one partition; the substitution is CloudFormation's.
            text = template.read_text(encoding="utf-8").replace("arn:${Partition}:", "arn:aws:")
            (Path(folder) / template.name).write_text(text, encoding="utf-8")
        faults = _cfn_lint(folder)
        if not quick:
            faults += _checkov(folder)
            faults += _stale(Path(folder))
    for fault in faults:
        print(fault)
    print(f"lint: {len(templates)} templates, {len(faults)} findings", file=sys.stderr)
    return 1 if faults else 0


def _cfn_lint(folder: str) -> list[str]:
    files = [str(file) for file in sorted(Path(folder).glob("*.template.json"))]
    done = subprocess.run(
        [_tool("cfn-lint"), "--format", "json", "--ignore-checks", *IGNORED, "--", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    matches = json.loads(done.stdout or "[]")
    if done.returncode and not matches:
        return [f"cfn-lint: {done.stderr.strip()}"]
    return [
        f"{Path(each['Filename']).name}:{each['Location']['Start']['LineNumber']}: "
        f"{each['Rule']['Id']} {each['Message']}"
        for each in matches
    ]


def _checkov(folder: str) -> list[str]:
    report = _report(folder)
    if isinstance(report, str):
        return [report]
    counts = report["summary"]
    if counts["parsing_errors"] or not counts["passed"]:
        return [f"checkov: it could not read the templates ({counts})"]
    print(f"lint: Checkov: {counts['passed']} passed, {counts['skipped']} acknowledged", file=sys.stderr)
    return [
        f"{Path(each['file_path']).name}:{each['file_line_range'][0]}: "
        f"{each['check_id']} {each['check_name']} ({each['resource']})"
        for each in report["results"]["failed_checks"]
    ]


def _stale(folder: Path) -> list[str]:
    """Return the acknowledgments of what Checkov would not find without them; takes them out of the templates."""
    acknowledged = set()
    for file in sorted(folder.glob("*.template.json")):
        template = json.loads(file.read_text(encoding="utf-8"))
        for name, resource in template["Resources"].items():
            skipped = resource.get("Metadata", {}).pop("checkov", {"skip": []})["skip"]
            acknowledged |= {(file.name, f"{resource['Type']}.{name}", each["id"]) for each in skipped}
        file.write_text(json.dumps(template, indent=1), encoding="utf-8")
    report = _report(str(folder))
    if isinstance(report, str):
        return [report]
    failed = {
        (Path(each["file_path"]).name, each["resource"], each["check_id"])
        for each in report["results"]["failed_checks"]
    }
    return [
        f"{file}: {check} is acknowledged on {resource}, where Checkov does not find it: take it away"
        for file, resource, check in sorted(acknowledged - failed)
    ]


def _report(folder: str) -> dict[str, Any] | str:
    """Return what Checkov tells of the templates in a folder, or why it told nothing."""
    done = subprocess.run(
        [_tool("checkov"), "-d", folder, "--framework", "cloudformation", "--compact", "--quiet", "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return f"checkov: {done.stderr.strip()[-400:]}"
    return report


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


if __name__ == "__main__":
    sys.exit(main())
