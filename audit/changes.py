"""What changed against the templates of the last release, but for what every build changes: assets' hashes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from audit.assembly import SUFFIX, Assembly, AuditError
from audit.tables import Place, Row, Table
from rules.model import JsonValue

RELEASES: Final = Path(__file__).parent / "releases"
_HASHES: Final = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r"(CurrentVersion)[0-9A-F]{8}[0-9a-f]{32}"), r"\1"),
)
_LONGEST: Final = 300


def normalised(text: str) -> str:
    """Return a template's text without what every build changes: assets' and corpora's hashes, CDK's own metadata."""
    for pattern, replacement in _HASHES:
        text = pattern.sub(replacement, text)
    body = json.loads(text)
    body["Resources"] = {
        name: resource for name, resource in body["Resources"].items() if resource["Type"] != "AWS::CDK::Metadata"
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def record(assembly: Assembly, folder: Path) -> None:
    """Write the templates, normalised, as a release's."""
    folder.mkdir(parents=True, exist_ok=True)
    for stack, text in assembly.texts.items():
        (folder / f"{stack}{SUFFIX}").write_text(normalised(text), encoding="utf-8")


def newest(folder: Path = RELEASES) -> Path | None:
    """Return the folder of the newest recorded release, or None."""
    known = [found for found in folder.glob("*") if found.is_dir()] if folder.is_dir() else []
    return max(known, key=lambda found: [int(part) for part in re.findall(r"\d+", found.name)], default=None)


def changes(assembly: Assembly, release: Path | None) -> Table:
    """Return the table of changes since `release`.

    Raises:
        AuditError: `release` has no templates.
    """
    columns = ("change", "resource", "property", "before", "after")
    if release is None:
        about = "No release is recorded yet to compare with: python -m audit --record VERSION records one."
        return Table("changes", "Changes since the last release", about, columns)
    before = {file.name.removesuffix(SUFFIX): file.read_text(encoding="utf-8") for file in release.glob(f"*{SUFFIX}")}
    if not before:
        raise AuditError(f"there are no templates in {release} to compare with")
    rows = [
        row for stack in sorted({*before, *assembly.texts}) for row in _of_stack(assembly, stack, before.get(stack, ""))
    ]
    about = f"Compared with {release.name}: {len(rows)} properties. Hashes of assets and corpora are left out."
    return Table("changes", "Changes since the last release", about, columns, tuple(rows))


def _of_stack(assembly: Assembly, stack: str, text: str) -> Iterator[Row]:
    was = dict(_leaves((), json.loads(normalised(text)))) if text else {}
    now = dict(_leaves((), json.loads(normalised(assembly.texts[stack])))) if stack in assembly.texts else {}
    for path in sorted({*was, *now}):
        if was.get(path) != now.get(path):
            kind = "added" if path not in was else "removed" if path not in now else "changed"
            before, after = _shown(was, path), _shown(now, path)
            owner = path[1] if path[0] == "Resources" and len(path) > 1 else path[0]
            inner = path[2:] if path[0] == "Resources" else path[1:]
            yield Row((kind, owner, "/".join(inner), before, after), _place(assembly, stack, owner, inner))


def _place(assembly: Assembly, stack: str, owner: str, inner: tuple[str, ...]) -> Place:
    return assembly.place(stack, owner, "/".join(inner)) if stack in assembly.texts else Place(stack, 1, owner)


def _shown(leaves: Mapping[tuple[str, ...], JsonValue], path: tuple[str, ...]) -> str:
    text = "" if path not in leaves else json.dumps(leaves[path], ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _leaves(path: tuple[str, ...], value: JsonValue) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves((*path, key), inner)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _leaves((*path, str(number)), inner)
    else:
        yield path, value
