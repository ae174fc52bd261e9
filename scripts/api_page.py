#!/usr/bin/env python3
"""An OpenAPI document as one HTML page that loads nothing else; as a program it writes both pages into `docs`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from similar_function import openapi as similar_openapi
from similar_function.problems import SimilarProblem
from topics_function.answering import openapi
from url_functions.limits import DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS
from url_functions.problems import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from url_functions.problems import Kind

DOCS: Final = Path(__file__).parents[1] / "docs"
EXAMPLES: Final = DOCS / "examples"
LANGUAGES: Final = {"curl": "ask.sh", "Python": "ask.py", "JavaScript": "ask.mjs"}
"""The languages of the samples, and the file of `docs/examples` in which each signs its requests."""
TOPICS_VARIABLE: Final = "TOPICS_URL"
STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882 }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100% }
body { font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; max-width: 76rem; margin: auto; padding: 1rem }
main { min-width: 0 }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
code, pre { font: 0.9em/1.45 ui-monospace, monospace; background: var(--soft); border-radius: 4px; padding: 0 0.25em }
pre { padding: 0.75rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.85em }
a { color: light-dark(#0550ae, #79b8ff) }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; align-items: baseline }
dd { margin: 0; min-width: 0 } dd pre { margin: 0 }
.method { font-weight: 700; margin-right: 0.5em }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 13rem 1fr; gap: 2.5rem; padding: 1rem 2rem }
  nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.5rem 0 }
  nav ul { display: block }
}
@media (max-width: 40rem) {
  thead { display: none }
  tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid var(--line) }
  td { display: block; padding: 0; border: 0 }
  td[data-label]:not(:first-child)::before { content: attr(data-label) ": "; opacity: 0.7 }
  dl { display: block } dd { margin-bottom: 0.5rem }
}
@media print {
  body { display: block; max-width: none; font-size: 10pt } nav { display: none }
  h2, h3 { break-after: avoid } tr, dd { break-inside: avoid }
}
"""


@dataclass(frozen=True)
class Page:
    """A page to write.

    Attributes:
        document: the OpenAPI document.
        problems: what it refuses, by code.
        variable: of the environment, which has the URL in the samples.
        other: the file and the title of the other page.
    """

    file: str
    document: dict[str, Any]
    problems: Mapping[str, Kind]
    variable: str
    other: tuple[str, str]


TOPICS: Final = Page(
    "api.html",
    openapi.document(DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS),
    {str(code): kind for code, kind in KINDS.items()},
    TOPICS_VARIABLE,
    ("similar.html", "Similar documents"),
)
SIMILAR: Final = Page(
    "similar.html",
    similar_openapi.document(),
    {str(code): kind for code, kind in SimilarProblem.kinds.items()},
    "TOPICS_SIMILAR_URL",
    ("api.html", "Topic model"),
)


def operations_of(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return path, method and description of each operation."""
    return [(path, method, each) for path, methods in document["paths"].items() for method, each in methods.items()]


def signing(language: str, variable: str) -> str:
    """Return the code that defines `ask`, which signs a request, in one of LANGUAGES."""
    return (EXAMPLES / LANGUAGES[language]).read_text(encoding="utf-8").replace(TOPICS_VARIABLE, variable)


def samples(path: str, method: str, operation: dict[str, Any], variable: str) -> dict[str, str]:
    """Return what asks for an operation in each of LANGUAGES, with the examples of its parameters and its body."""
    parameters = {one["name"]: one["example"] for one in operation.get("parameters", ()) if "example" in one}
    target = path.removeprefix("/") + ("?" + urlencode(parameters) if parameters else "")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = json.dumps(content["example"]) if "example" in content else None
    sent = "" if body is None else f" \\\n  --header 'content-type: application/json' --data '{body}'"
    arguments = f'"{method.upper()}", "{target}"' + ("" if body is None else f", {body}")
    return {
        "curl": f'ask "${{{variable}}}{target}"{sent}',
        "Python": f"print(ask({arguments}))",
        "JavaScript": f"console.log(JSON.stringify(await ask({arguments})));",
    }


def render(page: Page) -> str:
    """Return the page."""
    document, info = page.document, page.document["info"]
    operations = operations_of(document)
    schemas = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{escape(json.dumps(schema, indent=2))}</pre>'
        for name, schema in document["components"]["schemas"].items()
    )
    places = [
        ("signing", "Signing"),
        *((each["operationId"], f"{how.upper()} {path}") for path, how, each in operations),
    ]
    links = [(f"#{place}", title) for place, title in (*places, ("problems", "Problems"), ("schemas", "Schemas"))]
    contents = "".join(f'<li><a href="{to}">{escape(title)}</a></li>' for to, title in (*links, page.other))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} {escape(info['version'])}</title><style>{STYLE}</style></head><body>"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav><main>'
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1><p>{_text(info['description'])}</p>"
        f"{_signing(page)}{''.join(_operation(*each, variable=page.variable) for each in operations)}"
        f'<h2 id="problems">Problems</h2>{_problems(page.problems)}<h2 id="schemas">Schemas</h2>{schemas}'
        "</main></body></html>\n"
    )


def _signing(page: Page) -> str:
    servers = [(f"<code>{escape(one['url'])}</code>", _text(one["description"])) for one in page.document["servers"]]
    method = page.document["components"]["securitySchemes"]["sigv4"]["description"]
    intro = (
        f"Each request is signed: {method}. The caller needs `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction` on "
        "the function's alias. The samples below call one of these functions `ask`. They take "
        f"`{page.variable}`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, of temporary credentials, "
        "`AWS_SESSION_TOKEN` from the environment."
    )
    code = "".join(f"<h3>{name}</h3><pre>{escape(signing(name, page.variable).rstrip())}</pre>" for name in LANGUAGES)
    return f'<h2 id="signing">Signing</h2><p>{_text(intro)}</p>{_table(("Server", "What it is"), servers)}{code}'


def _operation(path: str, method: str, operation: dict[str, Any], *, variable: str) -> str:
    heading = f'<span class="method">{escape(method.upper())}</span><code>{escape(path)}</code>'
    parts = [f'<h2 id="{escape(operation["operationId"])}">{heading}</h2><p>{_text(operation["summary"])}</p>']
    asked = samples(path, method, operation, variable).items()
    parts.append("<dl>" + "".join(f"<dt>{name}</dt><dd><pre>{escape(one)}</pre></dd>" for name, one in asked) + "</dl>")
    if "The same as" in operation["summary"]:
        return "".join(parts)
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
            (f"<code>{escape(name)}</code>", _schema(content["schema"]), _example(content))
            for name, content in body["content"].items()
        ]
        parts.append("<h3>Request</h3>" + _table(("Content-Type", "Body", "Example"), rows_of_body))
    answers = [
        (
            escape(status),
            "<br>".join(f"<code>{escape(name)}</code>" for name in answer["content"]),
            _lines(answer["description"]),
        )
        for status, answer in operation["responses"].items()
    ]
    parts.append("<h3>Answers</h3>" + _table(("Status", "Content-Type", "Meaning"), answers))
    parts += [
        f"<h3>Example</h3><pre>{escape(json.dumps(content['example'], indent=1))}</pre>"
        for content in operation["responses"]["200"]["content"].values()
        if "example" in content
    ]
    return "".join(parts)


def _example(content: dict[str, Any]) -> str:
    example = content.get("example", "")
    return f"<code>{escape(json.dumps(example))}</code>" if example else ""


def _problems(problems: Mapping[str, Kind]) -> str:
    rows = [
        (f"<code>{escape(code)}</code>", str(kind.status), escape(kind.title), "yes" if kind.retry else "no")
        for code, kind in problems.items()
    ]
    return _table(("Code", "Status", "Meaning", "Worth a retry"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    header = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{name}">{cell}</td>' if cell else "<td></td>"
            for name, cell in zip(head, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "oneOf" in schema:
        return " or ".join(_schema(one) for one in schema["oneOf"])
    if "description" in schema:
        return _text(schema["description"])
    if "enum" in schema:
        values = " or ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    elif "minimum" in schema:
        values = f"{schema['minimum']} to {schema['maximum']}"
    else:
        values = "text"
    return values + (f"; <code>{escape(str(schema['default']))}</code> unless said" if "default" in schema else "")


def _lines(text: str) -> str:
    return "<br>".join(_text(line) for line in text.split("; "))


def _text(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))


if __name__ == "__main__":
    for each in (TOPICS, SIMILAR):
        (DOCS / each.file).write_text(render(each), encoding="utf-8")
