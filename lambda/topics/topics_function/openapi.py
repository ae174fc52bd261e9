"""The interface as an OpenAPI 3.1 document, its facts taken from the constants that the code itself goes by."""

from __future__ import annotations

import json
from functools import cache
from typing import Final

from topics_function import media_types, options
from topics_function.events import GZIP, IDENTITY, UNKNOWN_SHARE_HEADER
from topics_function.limits import ENDPOINT_PAYLOAD_BYTES, MAX_COUNT, MAX_FEATURE_DIM, MAX_TOPICS, URL_PAYLOAD_BYTES
from topics_function.problems import KINDS, PROBLEM_TYPE_PREFIX, Code
from topics_function.versions import CORPUS_HEADER, MODEL_HEADER, VOCABULARY_HEADER

Json = dict[str, object]

VERSION: Final = "1.0.0"
"""Of the interface: the second number for additions, the first for what would break a caller."""

EVERY_PATH: Final = frozenset(
    {Code.NOT_A_URL_EVENT, Code.METHOD_NOT_ALLOWED, Code.INVALID_PARAMETER, Code.INTERNAL_ERROR}
)
RECORD: Final = frozenset({Code.MODEL_NOT_IN_SERVICE, Code.SERVICE_MISCONFIGURED, Code.NOT_ACCEPTABLE})
ENDPOINT: Final = frozenset(
    {
        Code.THROTTLED,
        Code.ENDPOINT_STARTING,
        Code.ENDPOINT_MISSING,
        Code.ENDPOINT_UNAVAILABLE,
        Code.MODEL_FAILED,
        Code.MODEL_CHANGING,
        Code.CREDENTIALS_REFUSED,
        Code.ENDPOINT_TIMEOUT,
    }
)
TOPICS: Final = frozenset({Code.TOPICS_UNKNOWN, Code.TOPICS_UNAVAILABLE})
SCORING: Final = frozenset(Code) - {Code.UNKNOWN_ROUTE}


@cache
def document_json(max_body_bytes: int, max_rows: int) -> str:
    """Return the document as JSON; the limits are those of this deployment."""
    return json.dumps(document(max_body_bytes, max_rows))


def document(max_body_bytes: int, max_rows: int) -> Json:
    """Return the OpenAPI document."""
    scoring = _scoring("score")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Topic model",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "Topic weights of documents, given as counts of words or as raw text. "
                f"A request may have {max_rows} documents and {max_body_bytes} bytes once decompressed; the URL itself "
                f"carries {URL_PAYLOAD_BYTES} bytes each way, and binary bodies in base64. What takes more than "
                f"{ENDPOINT_PAYLOAD_BYTES} bytes on its way to the model is split and answered in order."
            ),
        },
        "security": [{"sigv4": []}],
        "paths": {
            "/": {"post": scoring},
            "/invocations": {"post": {**scoring, "operationId": "invoke", "summary": "The same as POST /"}},
            "/topics": {"get": _reading("topics", "The topics of the model in service", "Topics", RECORD | TOPICS)},
            "/health": {
                "get": {
                    **_reading("health", "Whether a model is in service", "Health", RECORD | ENDPOINT),
                    "parameters": [
                        _parameter(
                            options.ENDPOINT,
                            "Also has the endpoint score one document",
                            {"type": "string", "enum": ["false", "true"], "default": "false"},
                        )
                    ],
                }
            },
            "/openapi.json": {"get": _reading("openapi", "This document", "OpenApi", frozenset({Code.NOT_ACCEPTABLE}))},
            "/docs": {"get": _page()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "sigv4": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "AWS Signature Version 4 for the service `lambda`",
                }
            },
        },
    }


def _scoring(operation_id: str) -> Json:
    return {
        "operationId": operation_id,
        "summary": "Topic weights of documents",
        "parameters": [
            _parameter(
                options.TOP,
                "Give so many of the strongest topics, with label and words, instead of all weights",
                {"type": "integer", "minimum": 1, "maximum": MAX_TOPICS},
            ),
            _parameter(
                options.ERRORS,
                f"{options.PER_ROW}: score the good documents, and tell the problem of each other in its place",
                {"type": "string", "enum": [options.STRICT, options.PER_ROW], "default": options.STRICT},
            ),
            _parameter(
                options.EMPTY,
                f"{options.MEAN}: give a document without known words the mean weights of the training corpus",
                {"type": "string", "enum": [options.REFUSE, options.MEAN], "default": options.REFUSE},
            ),
            _parameter(
                options.CORPUS_VERSION,
                "The corpus whose vocabulary the counts are of; 409 where the model in service is of another",
                {"type": "string", "minLength": 1},
            ),
            {
                "name": "Content-Encoding",
                "in": "header",
                "description": f"{GZIP} or {IDENTITY}",
                "schema": {"type": "string", "default": IDENTITY},
            },
        ],
        "requestBody": {"required": True, "content": _request_content()},
        "responses": {
            "200": {
                "description": "One prediction a document, in order",
                "headers": {
                    **_version_headers(),
                    UNKNOWN_SHARE_HEADER: _header("Share of unknown words, for raw text"),
                },
                "content": {
                    media_types.APPLICATION_JSON: {"schema": _ref("Predictions")},
                    media_types.APPLICATION_JSONLINES: {"schema": {"type": "string"}},
                    media_types.NDJSON: {"schema": {"type": "string"}},
                    media_types.TEXT_CSV: {"schema": {"type": "string"}},
                },
            },
            **_problems(SCORING),
        },
    }


def _request_content() -> Json:
    text: Json = {"type": "string", "minLength": 1}
    csv = "One row of counts a document, a count for every word in the order of the vocabulary; no header"
    lines = 'One instance a line, or one {"document": "raw text"} a line'
    return {
        media_types.TEXT_CSV: {"schema": {**text, "description": csv}, "example": "0,2,1\n1,0,0\n"},
        media_types.APPLICATION_JSON: {"schema": {"oneOf": [_ref("InstancesRequest"), _ref("DocumentsRequest")]}},
        media_types.APPLICATION_JSONLINES: {"schema": {**text, "description": lines}},
        media_types.NDJSON: {"schema": {**text, "description": lines}},
        media_types.RECORDIO_PROTOBUF: {"schema": {"type": "string", "description": "As the sagemaker SDK writes it"}},
        media_types.TEXT_PLAIN: {"schema": {**text, "description": "One document"}},
    }


def _reading(operation_id: str, summary: str, schema: str, codes: frozenset[Code]) -> Json:
    return {
        "operationId": operation_id,
        "summary": summary,
        "responses": {
            "200": {
                "description": summary,
                "headers": _version_headers(),
                "content": {media_types.APPLICATION_JSON: {"schema": _ref(schema)}},
            },
            **_problems(codes | EVERY_PATH),
        },
    }


def _page() -> Json:
    return {
        "operationId": "docs",
        "summary": "This document as a page",
        "responses": {
            "200": {"description": "The page", "content": {media_types.TEXT_HTML: {"schema": {"type": "string"}}}},
            **_problems(frozenset({Code.NOT_ACCEPTABLE}) | EVERY_PATH),
        },
    }


def _parameter(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _version_headers() -> Json:
    return {
        MODEL_HEADER: _header("The model that answered"),
        CORPUS_HEADER: _header("The corpus it was trained on"),
        VOCABULARY_HEADER: _header("The vocabulary of that corpus"),
    }


def _problems(codes: frozenset[Code]) -> Json:
    by_status: dict[int, list[Code]] = {}
    for code in KINDS:
        if code in codes:
            by_status.setdefault(KINDS[code].status, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {KINDS[code].title}" for code in told),
            **(
                {"headers": {"retry-after": _header("Seconds to wait")}}
                if any(KINDS[one].retry for one in told)
                else {}
            ),
            "content": {
                media_types.PROBLEM_JSON: {
                    "schema": {
                        "allOf": [_ref("Problem")],
                        "properties": {"status": {"const": status}, "code": {"enum": [str(code) for code in told]}},
                    }
                }
            },
        }
        for status, told in sorted(by_status.items())
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, required: list[str], *, closed: bool = False) -> Json:
    schema: Json = {"type": "object", "properties": properties, "required": required}
    return {**schema, "additionalProperties": False} if closed else schema


def _schemas() -> Json:
    string: Json = {"type": "string"}
    weight: Json = {"type": "number"}
    count: Json = {"type": "number", "minimum": 0, "maximum": MAX_COUNT}
    counts: Json = {"type": "array", "items": count, "maxItems": MAX_FEATURE_DIM}
    keys: Json = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": MAX_FEATURE_DIM - 1}}
    shape: Json = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "maxItems": 2}
    words: Json = {"type": "array", "items": string}
    share: Json = {"type": "number", "minimum": 0, "maximum": 1}
    nullable_string: Json = {"type": ["string", "null"]}
    told: Json = {
        "unknown_word_share": share,
        "estimated": {"const": "corpus_mean", "description": "The weights are the mean of the training corpus"},
    }
    sparse = _object({"keys": keys, "shape": shape, "values": counts}, ["keys", "values"], closed=True)
    dense_data = _object({"values": counts}, ["values"], closed=True)
    data = _object({"features": {"oneOf": [dense_data, sparse]}}, ["features"], closed=True)
    corpus_version: Json = {**nullable_string, "description": f"As the parameter {options.CORPUS_VERSION}"}
    strongest = _object(
        {"id": {"type": "integer"}, "label": string, "weight": weight, "words": words},
        ["id", "label", "weight", "words"],
    )
    topic = _object(
        {
            "id": {"type": "integer"},
            "label": string,
            "share": {"type": ["number", "null"], "description": "Share of the training corpus"},
            "words": words,
            "weights": {"type": "array", "items": weight},
        },
        ["id", "label", "share", "words", "weights"],
    )
    return {
        "Instance": {
            "oneOf": [
                _object({"features": counts}, ["features"], closed=True),
                _object({"data": data}, ["data"], closed=True),
            ]
        },
        "InstancesRequest": _object(
            {
                "instances": {"type": "array", "items": _ref("Instance"), "minItems": 1},
                "corpus_version": corpus_version,
            },
            ["instances"],
            closed=True,
        ),
        "DocumentsRequest": _object(
            {"documents": {"type": "array", "items": string, "minItems": 1}, "corpus_version": corpus_version},
            ["documents"],
            closed=True,
        ),
        "Predictions": _object({"predictions": {"type": "array", "items": _ref("Prediction")}}, ["predictions"]),
        "Prediction": {
            "oneOf": [
                _object({"topic_weights": {"type": "array", "items": weight}, **told}, ["topic_weights"]),
                _object({"topics": {"type": "array", "items": strongest}, **told}, ["topics"]),
                _object({"error": _ref("Problem"), **told}, ["error"]),
            ]
        },
        "Topics": _object(
            {"model": string, "corpus": string, "topics": {"type": "array", "items": topic}},
            ["model", "corpus", "topics"],
        ),
        "Health": _object(
            {
                "status": {"const": "ok"},
                "model": nullable_string,
                "corpus": nullable_string,
                "feature_dim": {"type": "integer"},
                "algorithm": string,
                "endpoint_called": {"type": "boolean"},
            },
            ["status", "model", "corpus", "feature_dim", "algorithm", "endpoint_called"],
        ),
        "OpenApi": _object({"openapi": string}, ["openapi"]),
        "Problem": _object(
            {
                "type": {"type": "string", "pattern": f"^{PROBLEM_TYPE_PREFIX}[a-z0-9_]+$"},
                "title": string,
                "status": {"type": "integer"},
                "detail": string,
                "code": {"enum": [str(code) for code in KINDS]},
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
