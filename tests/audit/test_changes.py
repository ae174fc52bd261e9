from __future__ import annotations

import re
from pathlib import Path

import pytest

from audit import changes
from audit.assembly import Assembly, AuditError, assemble


@pytest.fixture
def release(prod: Assembly, tmp_path: Path) -> Path:
    """The templates of prod, recorded as a release's."""
    changes.record(prod, tmp_path / "1.0.0")
    return tmp_path / "1.0.0"


def test_the_same_templates_have_no_changes(prod: Assembly, release: Path) -> None:
    assert changes.changes(prod, release).rows == ()


def test_a_changed_property_is_told_with_both_values_at_its_line(prod: Assembly, release: Path) -> None:
    texts = {stack: text.replace('"AuthType": "AWS_IAM"', '"AuthType": "NONE"') for stack, text in prod.texts.items()}

    [row] = changes.changes(assemble(texts, None), release).rows

    assert (row.cells[0], *row.cells[2:]) == ("changed", "Properties/AuthType", '"AWS_IAM"', '"NONE"')
    assert '"AuthType": "NONE"' in texts[row.place.stack].splitlines()[row.place.line - 1]


def test_the_hash_of_an_asset_is_no_change(prod: Assembly, release: Path) -> None:
    texts = {stack: re.sub(r"[0-9a-f]{64}", "7" * 64, text) for stack, text in prod.texts.items()}
    assert texts != prod.texts

    assert changes.changes(assemble(texts, None), release).rows == ()


def test_a_stack_that_is_new_or_gone_is_told(prod: Assembly, release: Path) -> None:
    texts = {stack: text for stack, text in prod.texts.items() if not stack.endswith("Training")}

    rows = changes.changes(assemble(texts, None), release).rows

    assert {row.cells[0] for row in rows} == {"removed"}
    assert {row.place.stack for row in rows} == {"TopicModel-prod-Training"}


def test_the_newest_release_is_the_one_of_the_highest_version(tmp_path: Path) -> None:
    for version in ("0.9.0", "0.10.0", "0.2.1"):
        (tmp_path / version).mkdir()

    assert changes.newest(tmp_path) == tmp_path / "0.10.0"
    assert changes.newest(tmp_path / "none") is None


def test_without_a_release_the_report_says_so(prod: Assembly) -> None:
    table = changes.changes(prod, None)

    assert table.rows == ()
    assert "No release is recorded" in table.about


def test_a_release_without_templates_is_refused(prod: Assembly, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="no templates in"):
        changes.changes(prod, tmp_path)
