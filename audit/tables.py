"""Tables of the audit: what stands where. They are written as CSV and JSON, and drawn on the page."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Place:
    """A line of a template, and the resource that it belongs to."""

    stack: str
    line: int
    logical_id: str = ""


@dataclass(frozen=True)
class Row:
    """One row: a cell a column, and the line that proves it."""

    cells: tuple[str, ...]
    place: Place


@dataclass(frozen=True)
class Table:
    """A table, and the name of its files."""

    name: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...] = field(default=())

    def records(self) -> list[dict[str, str | int]]:
        """Return the rows as objects, their places with them."""
        return [
            {
                **dict(zip(self.columns, row.cells, strict=True)),
                "stack": row.place.stack,
                "logical_id": row.place.logical_id,
                "template_line": row.place.line,
            }
            for row in self.rows
        ]

    def as_csv(self) -> str:
        """Return the table as CSV with a header."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*self.columns, "stack", "logical_id", "template_line"])
        writer.writerows([*row.cells, row.place.stack, row.place.logical_id, row.place.line] for row in self.rows)
        return stream.getvalue()

    def as_json(self) -> str:
        """Return the table as a list of objects."""
        return json.dumps(self.records(), indent=1, ensure_ascii=False) + "\n"
