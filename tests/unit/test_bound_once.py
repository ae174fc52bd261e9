"""No name of a module or a class is bound twice: the second would take the first one's place without a word."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.shared.private_names import NAMES

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "stacks", "rules", "audit", "operations", "scripts", "lambda", "topics_client", "training_scripts", "local_cloud",
    "explore", "benchmarks", "tests",
)  # fmt: skip
FILES = [ROOT / "app.py", *(file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py")))]
# A property's setter and deleter have its name, and so have a function's overloads.
SAME_NAME = ("setter", "deleter", "overload")


def bound_twice(source: str) -> list[str]:
    """Return the names that a module, or a class of it, binds more than once; branches and loops are left aside."""
    tree = ast.parse(source)
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    return [name for body in bodies for name, times in Counter(_bound(body)).items() if times > 1 and name != "_"]


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Assign):
            targets = [node for target in statement.targets for node in ast.walk(target)]
            yield from (node.id for node in targets if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not any(ast.unparse(each).endswith(SAME_NAME) for each in statement.decorator_list):
                yield statement.name
        elif isinstance(statement, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in statement.names)


def test_no_name_is_bound_twice() -> None:
    twice = {str(file.relative_to(ROOT)): bound_twice(file.read_text(encoding="utf-8")) for file in FILES}

    assert {file: names for file, names in twice.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "A = 1\nA = 2", "A: int = 1\nA = 2", "A, B = 1, 2\nB = 3", "from os import path\npath = 1",
        "def f(): ...\nf = 1", "class C:\n    a = 1\n    a = 2",
    ],
)  # fmt: skip
def test_a_name_that_is_bound_twice_is_seen(source: str) -> None:
    assert len(bound_twice(source)) == 1


def test_each_private_name_of_ministack_is_declared_once() -> None:
    assert [name for name, times in Counter(NAMES).items() if times > 1] == []
