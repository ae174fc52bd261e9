from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from explore import map as map_of_documents
from tests.documentation.blocks import ALL, Block

ROOT = Path(__file__).parents[2]
DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
INDEX = ROOT / "docs" / "README.md"

MADE = {"build", "cdk.out", "node_modules"}
"""What set-up and runs make; a doc may name what is in there later."""
SOURCES = sorted(
    entry.name
    for entry in ROOT.iterdir()
    if entry.is_dir() and not entry.name.startswith((".", "__")) and entry.name not in MADE
)

REGISTRY_HOST = re.compile(
    r"\b(?:(?:pypi|pythonhosted|npmjs|yarnpkg|anaconda|conda|crates|rubygems)\.(?:org|com|io)|golang\.org)\b"
)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:")
CODE = re.compile(r"`(?P<code>[^`\n]+)`")
BARE_FILE = re.compile(r"^[\w-]+\.(py|toml|cfg|mjs|sh|svg|md)$")
UNDER_A_FOLDER = re.compile(rf"(?<![\w./<>-])(?P<path>(?:{'|'.join(map(re.escape, SOURCES))})/[\w./-]*)")
MODULE = re.compile(rf"-m (?P<module>(?:{'|'.join(map(re.escape, SOURCES))})(?:\.\w+)*)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", text)).strip().lower().replace(" ", "-") for text in headings}


def is_there(document: Path, target: str) -> bool:
    address, _, anchor = target.partition("#")
    file = (document.parent / address) if address else document
    return file.exists() and (not anchor or file.suffix != ".md" or anchor in anchors(file))


def is_source(name: str) -> bool:
    """Whether a file of that name is in one of the project's own folders, or at its root."""
    return (ROOT / name).exists() or any(next((ROOT / folder).rglob(name), None) for folder in SOURCES)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("document", DOCS, ids=named)
def test_what_a_doc_links_to_is_there(document: Path) -> None:
    targets = LINK.findall(document.read_text(encoding="utf-8"))

    assert [target for target in targets if not ELSEWHERE.match(target) and not is_there(document, target)] == []


@pytest.mark.parametrize("document", DOCS, ids=named)
def test_the_files_and_modules_a_doc_names_are_there(document: Path) -> None:
    # A link leads from its document, and is looked at by the test before; what is named otherwise, is from the root.
    text = LINK.sub("", document.read_text(encoding="utf-8"))
    paths = {path.rstrip(".") for path in UNDER_A_FOLDER.findall(text)}
    files = {code for code in CODE.findall(text) if BARE_FILE.match(code)}
    modules = set(MODULE.findall(text))

    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
    assert sorted(name for name in files if not is_source(name)) == []
    assert sorted(module for module in modules if not is_module(module)) == []


@pytest.mark.parametrize("document", DOCS, ids=named)
def test_no_doc_names_a_package_registrys_host(document: Path) -> None:
    text = document.read_text(encoding="utf-8").lower()

    assert REGISTRY_HOST.findall(text) == []


def test_the_index_leads_to_every_doc() -> None:
    linked = {(INDEX.parent / target).resolve() for target in LINK.findall(INDEX.read_text(encoding="utf-8"))}

    assert [named(document) for document in DOCS[1:] if document != INDEX and document not in linked] == []


@pytest.mark.parametrize("block", ALL, ids=str)
def test_every_block_of_commands_is_run_or_says_why_not(block: Block) -> None:
    # Those without a mark are run by tests/documentation/test_commands.py.
    assert block.mark is None or block.mark_is_known
    assert not block.is_runnable or block.commands
    assert not block.shows_commands_unnamed


def test_the_page_of_topics_is_told_to_be_laid_out_in_as_many_iterations_as_it_is() -> None:
    told = re.search(r"(\d+) iterations", (ROOT / "docs" / "explore.md").read_text(encoding="utf-8"))
    assert told is not None
    assert int(told[1]) == map_of_documents._EXAGGERATED + map_of_documents._PLAIN


WALK = re.compile(r"^### (?P<title>.+)\n\n(?P<steps>(?:\d+\. .*\n)+)", re.MULTILINE)
STEP = re.compile(r"^\d+\. `(?P<file>[^`]+\.py)`: (?P<what>.*)$", re.MULTILINE)
MOST_STEPS = 12


def imported_by(file: Path) -> set[str]:
    """The dotted names that a file imports, in functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def dotted(file: str) -> str:
    return re.sub(r"^lambda/\w+/", "", file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def test_every_walk_of_the_architecture_is_short_and_follows_imports() -> None:
    walks = WALK.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert len(walks) == 3
    for title, steps in walks:
        known: set[str] = set()
        files = STEP.findall(steps)
        assert 1 < len(files) <= MOST_STEPS, title
        assert len(files) == len(steps.splitlines()), title
        for number, (file, what) in enumerate(files):
            assert number == 0 or "started by" in what or dotted(file) in known, f"{title}: {file}"
            known |= imported_by(ROOT / file)


MESSAGE = re.compile(r"^\| `(?P<message>[^`]+)` \|", re.MULTILINE)
LEAST_MESSAGES = 20


def said_by(file: Path) -> str:
    """The texts in a program, f-strings' fixed parts among them, a line each; what is no Python, as it is."""
    source = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        return source
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return "\n".join(text for text in texts if isinstance(text, str))


def test_each_message_of_the_troubleshooting_is_one_that_the_code_says() -> None:
    messages = MESSAGE.findall((ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"))
    programs = [path for folder in SOURCES if folder not in {"tests", "docs"} for path in (ROOT / folder).rglob("*.py")]
    said = [said_by(path) for path in [ROOT / "Makefile", ROOT / "app.py", *programs]]

    unsaid = [each for each in messages if not any(all(part in text for part in each.split("…")) for text in said)]

    assert unsaid == []
    assert len(messages) >= LEAST_MESSAGES
