from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.templates.conftest import Templates

SNAPSHOTS = Path(__file__).parent / "snapshots"
_CONTENT_HASH = re.compile(r"[0-9a-f]{64}")
_VERSION_HASH = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")


def without_code_hashes(template: object) -> str:
    """A template as text, with what changes with the functions' code and the corpus left out."""
    text = json.dumps(template, indent=1, sort_keys=True) + "\n"
    return _VERSION_HASH.sub(r"\1<version>", _CONTENT_HASH.sub("<hash>", text))


@pytest.mark.parametrize("part", ["data", "training", "serving"])
def test_a_template_is_what_it_was(dev: Templates, part: str, request: pytest.FixtureRequest) -> None:
    """Read the difference; if it is meant, run pytest with --update-snapshots and commit it."""
    text = without_code_hashes(dev[part].to_json())
    file = SNAPSHOTS / f"{part}.json"
    if request.config.getoption("--update-snapshots"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")
