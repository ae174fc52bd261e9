"""What the OpenAPI documents of both functions share: codes that any path may answer, and the schema of a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from url_functions import media_types
from url_functions.problems import PROBLEM_TYPE_PREFIX, Code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from url_functions.problems import Kind

_Code = TypeVar("_Code", bound=str)
Json = dict[str, object]

EVERY_PATH: Final = frozenset(
    {Code.NOT_A_URL_EVENT, Code.METHOD_NOT_ALLOWED, Code.INVALID_PARAMETER, Code.INTERNAL_ERROR}
)
RECORD: Final = frozenset({Code.MODEL_NOT_IN_SERVICE, Code.SERVICE_MISCONFIGURED, Code.NOT_ACCEPTABLE})
SCORING: Final = frozenset(Code) - {Code.UNKNOWN_ROUTE}

DATABASE_QUESTION: Final = "How do I restore a database snapshot?"
"""The document of the examples."""
SERVERS: Final[list[Json]] = [
    {"url": "/", "description": "Where this document came from"},
    {
        "url": "https://{id}.lambda-url.{region}.on.aws",
        "description": "The function's URL, which is an output of the serving stack",
        "variables": {"id": {"default": "abcdefghijklmnopqrstuvwxyz012345"}, "region": {"default": "us-east-1"}},
    },
]
SECURITY_SCHEMES: Final[Json] = {
    "sigv4": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "AWS Signature Version 4 for the service `lambda`",
    }
}


def megabytes(number: int) -> str:
    """Return a number of bytes in megabytes of 1,048,576 bytes, as AWS tells its limits."""
    return f"{number / 2**20:.4g} MB"


def ref(name: str) -> Json:
    """Return a reference to one of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_schema(properties: Json, required: list[str], *, closed: bool = False) -> Json:
    """Return the schema of an object; a closed one has no other properties."""
    schema: Json = {"type": "object", "properties": properties, "required": required}
    return {**schema, "additionalProperties": False} if closed else schema


def header(description: str) -> Json:
    """Return the description of a header of text."""
    return {"description": description, "schema": {"type": "string"}}


def problem_responses(codes: Collection[str], kinds: Mapping[_Code, Kind]) -> Json:
    """Return the refusals with one of `codes`, by status."""
    by_status: dict[int, list[_Code]] = {}
    for code in kinds:
        if code in codes:
            by_status.setdefault(kinds[code].status, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {kinds[code].title}" for code in told),
            **(
                {"headers": {"retry-after": header("Seconds to wait")}} if any(kinds[one].retry for one in told) else {}
            ),
            "content": {
                media_types.PROBLEM_JSON: {
                    "schema": {
                        "allOf": [ref("Problem")],
                        "properties": {"status": {"const": status}, "code": {"enum": [str(code) for code in told]}},
                    }
                }
            },
        }
        for status, told in sorted(by_status.items())
    }


def shared_schemas(codes: Iterable[str]) -> Json:
    """Return the schemas of the OpenAPI document and of a problem with one of `codes`."""
    string: Json = {"type": "string"}
    return {
        "OpenApi": object_schema({"openapi": string}, ["openapi"]),
        "Problem": object_schema(
            {
                "type": {"type": "string", "pattern": f"^{PROBLEM_TYPE_PREFIX}[a-z0-9_]+$"},
                "title": string,
                "status": {"type": "integer"},
                "detail": string,
                "code": {"enum": [str(code) for code in codes]},
                "row": {"type": "integer", "minimum": 1, "description": "The document at fault, from 1"},
                "column": {"type": "integer", "minimum": 1, "description": "The count at fault in its row, from 1"},
                "pointer": {**string, "description": "RFC 6901 pointer to the fault; within its line for JSON Lines"},
                "parameter": {**string, "description": "The parameter at fault"},
                "allowed": {**string, "description": "What is allowed instead"},
                "retry": {"type": "boolean", "description": "Whether the same request may succeed later"},
                "request_id": string,
            },
            ["type", "title", "status", "detail", "code", "retry"],
        ),
    }
