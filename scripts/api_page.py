#!/usr/bin/env python3
"""The OpenAPI document as one HTML page that loads nothing else; as a program it writes the page to standard output."""

from __future__ import annotations

import json
import sys
from html import escape
from typing import TYPE_CHECKING, Any

from topics_function.answering import openapi
from url_functions.limits import DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS
from url_functions.problems import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
code, pre { font: 0.9em ui-monospace, monospace; background: var(--soft); border-radius: 4px; padding: 0 0.25em }
pre { padding: 0.75rem; overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line) }
.method { font-weight: 700; margin-right: 0.5em }
"""


def render(document: dict[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    info = document["info"]
    operations = "".join(
        _operation(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{escape(json.dumps(schema, indent=2))}</pre>'
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} {escape(info['version'])}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1><p>{_text(info['description'])}</p>"
        f"{operations}<h2>Problems</h2>{_problems()}<h2>Schemas</h2>{schemas}</body></html>\n"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    heading = f'<span class="method">{escape(method.upper())}</span><code>{escape(path)}</code>'
    parts = [f'<h2 id="{escape(operation["operationId"])}">{heading}</h2><p>{_text(operation["summary"])}</p>']
    if parameters := operation.get("parameters"):
        rows = [
            (
                f"<code>{escape(one['name'])}</code>",
                one["in"],
                _text(one.get("description", "")),
                _schema(one["schema"]),
            )
            for one in parameters
        ]
        parts.append("<h3>Parameters</h3>" + _table(("Name", "In", "Meaning", "Values"), rows))
    if body := operation.get("requestBody"):
        rows_of_body = [
            (f"<code>{escape(name)}</code>", _schema(content["schema"])) for name, content in body["content"].items()
        ]
        parts.append("<h3>Request</h3>" + _table(("Content-Type", "Body"), rows_of_body))
    answers = [
        (
            escape(status),
            "<br>".join(f"<code>{escape(name)}</code>" for name in answer["content"]),
            _lines(answer["description"]),
        )
        for status, answer in operation["responses"].items()
    ]
    parts.append("<h3>Answers</h3>" + _table(("Status", "Content-Type", "Meaning"), answers))
    return "".join(parts)


def _problems() -> str:
    rows = [
        (f"<code>{escape(code)}</code>", str(kind.status), escape(kind.title), "yes" if kind.retry else "no")
        for code, kind in KINDS.items()
    ]
    return _table(("Code", "Status", "Meaning", "Worth a retry"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    header = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "oneOf" in schema:
        return " or ".join(_schema(one) for one in schema["oneOf"])
    if "description" in schema:
        return _text(schema["description"])
    return f"<code>{escape(json.dumps(schema))}</code>"


def _lines(text: str) -> str:
    return "<br>".join(_text(line) for line in text.split("; "))


def _text(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


if __name__ == "__main__":
    sys.stdout.write(render(openapi.document(DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS)))
