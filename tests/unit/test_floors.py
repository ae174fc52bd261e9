"""What import-linter cannot hold, since it knows packages only: the application stands above them all."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_nothing_but_tests_imports_the_application() -> None:
    apart = {"tests", "node_modules", "build"}
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in apart]
    files = [file for folder in folders for file in folder.rglob("*.py")]

    assert len(files) > 400
    assert [file for file in files if "app" in imports_of(file)] == []
    assert "app" in imports_of(ROOT / "tests/templates/conftest.py")
