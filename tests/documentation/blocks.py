"""The commands and programs that README and the documents show, as their readers paste them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START = ROOT / "docs" / "getting-started.md"
DOCUMENTS = [START, *sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")} - {START})]
"""Getting started comes first: it deploys what the others' commands ask."""

RUNNABLE = ("console", "sh", "bash", "python")
NEEDS = {
    "aws": "an AWS account, or something that only AWS has",
    "20newsgroups": "the archive of 20 Newsgroups, which is not the project's",
    "java": "Java 17",
    "minutes": "many minutes of processor time",
    "another set-up": "environments or settings beside the default ones",
}
_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]+) -->\n+)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"^(?:needs: (?P<needs>.+)|run by: (?P<test>tests/\S+\.py))$")
_COMMAND = re.compile(r"^(\$ |make |\.venv|python |curl |topics |aws |pip |export |eval )", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, where it stands, and the mark in the comment before it."""

    document: Path
    line: int
    language: str
    text: str
    mark: str | None

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def is_runnable(self) -> bool:
        """Whether its language is one that is run."""
        return self.language in RUNNABLE

    @property
    def commands(self) -> list[str]:
        """What a reader pastes, one after the other: of a console what stands behind `$ `, of a program all of it."""
        if self.language == "python":
            return [self.text]
        whole = self.text.replace("\\\n", "\\\0").splitlines()
        if self.language == "console":
            whole = [line.removeprefix("$ ") for line in whole if line.startswith("$ ")]
        return [line.replace("\0", "\n") for line in whole if line.strip() and not line.startswith("#")]

    @property
    def shows_commands_unnamed(self) -> bool:
        """Whether it has lines that look like commands, though no language says so."""
        return not self.language and _COMMAND.search(self.text) is not None

    @property
    def mark_is_known(self) -> bool:
        """Whether its mark is one of those that there are, and the test that it names is there."""
        match = _MARK.match(self.mark or "")
        if match is None:
            return False
        return match["needs"] in NEEDS if match["needs"] else (ROOT / match["test"]).is_file()


def blocks(document: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a document."""
    text = document.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Block(document, text.count("\n", 0, match.start("text")), match["language"], match["text"], match["mark"])


ALL = [block for document in DOCUMENTS for block in blocks(document)]
RUN = [block for block in ALL if block.is_runnable and block.mark is None]
MARKED = [block for block in ALL if block.is_runnable and block.mark is not None]
