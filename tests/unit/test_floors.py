"""What import-linter cannot hold, since it knows packages only: the application stands above them all."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules() -> list[Path]:
    """Every module of the project but its tests."""
    apart = {"tests", "node_modules", "build", "cdk.out"}
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in apart]
    return [file for folder in folders for file in folder.rglob("*.py")]


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_nothing_but_tests_imports_the_application() -> None:
    files = modules()

    assert len(files) > 400
    assert [file for file in files if "app" in imports_of(file)] == []
    assert "app" in imports_of(ROOT / "tests/templates/conftest.py")


def test_no_folder_has_more_than_twenty_modules() -> None:
    sizes = Counter(file.parent.relative_to(ROOT).as_posix() for file in modules())

    assert {folder: size for folder, size in sizes.items() if size > 20} == {}
