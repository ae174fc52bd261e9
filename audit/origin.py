"""From which commit the audited templates are."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """A commit, the time of it as ISO 8601, and whether files differed from it when the templates were made."""

    commit: str = UNKNOWN
    date: str = UNKNOWN
    changed: bool = False

    def __str__(self) -> str:
        """Return what the page says."""
        changed = ", with changes that no commit has" if self.changed else ""
        return UNKNOWN if self.commit == UNKNOWN else f"commit {self.commit[:12]} of {self.date}{changed}"


def of_working_tree(folder: Path) -> Origin:
    """Return the commit of the working tree that `folder` is in; an unknown one where git knows none."""
    known = _git(folder, "log", "-1", "--format=%H %cI").split()
    if len(known) != 2:  # noqa: PLR2004 (a hash, and a time)
        return Origin()
    return Origin(known[0], known[1], changed=bool(_git(folder, "status", "--porcelain", "--untracked-files=no")))


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
