"""The interface as an OpenAPI 3.1 document, its facts taken from the constants that the code itself goes by."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Final

from topics_function.answering import openapi_schemas as schemas
from url_functions import media_types, options
from url_functions.events import GZIP, IDENTITY, UNKNOWN_SHARE_HEADER
from url_functions.limits import ENDPOINT_PAYLOAD_BYTES, MAX_TOPICS, URL_PAYLOAD_BYTES
from url_functions.openapi import EVERY_PATH, RECORD, SCORING, header, problem_responses, ref
from url_functions.problems import KINDS, Code
from url_functions.versions import CORPUS_HEADER, MODEL_HEADER, VOCABULARY_HEADER

if TYPE_CHECKING:
    from url_functions.openapi import Json

VERSION: Final = "1.0.0"
"""Of the interface: the second number for additions, the first for what would break a caller."""

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
        },
        "components": {
            "schemas": schemas.component_schemas(),
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
                f"{options.PER_ROW}: score the good documents, and report each failed row's problem in its place",
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
            _parameter(
                options.WEIGHTS,
                f"{options.RAW}: weights as the model has them, where an open NTM serves them sharper",
                {"type": "string", "enum": [options.SERVED, options.RAW], "default": options.SERVED},
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
                    UNKNOWN_SHARE_HEADER: header("Share of unknown words, for raw text"),
                },
                "content": {
                    media_types.APPLICATION_JSON: {"schema": ref("Predictions")},
                    media_types.APPLICATION_JSONLINES: {"schema": {"type": "string"}},
                    media_types.NDJSON: {"schema": {"type": "string"}},
                    media_types.TEXT_CSV: {"schema": {"type": "string"}},
                },
            },
            **problem_responses(SCORING, KINDS),
        },
    }


def _request_content() -> Json:
    text: Json = {"type": "string", "minLength": 1}
    csv = "One row of counts a document, a count for every word in the order of the vocabulary; no header"
    lines = 'One instance a line, or one {"document": "raw text"} a line'
    return {
        media_types.TEXT_CSV: {"schema": {**text, "description": csv}, "example": "0,2,1\n1,0,0\n"},
        media_types.APPLICATION_JSON: {"schema": {"oneOf": [ref("InstancesRequest"), ref("DocumentsRequest")]}},
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
                "content": {media_types.APPLICATION_JSON: {"schema": ref(schema)}},
            },
            **problem_responses(codes | EVERY_PATH, KINDS),
        },
    }


def _parameter(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _version_headers() -> Json:
    return {
        MODEL_HEADER: header("The model that answered"),
        CORPUS_HEADER: header("The corpus it was trained on"),
        VOCABULARY_HEADER: header("The vocabulary of that corpus"),
    }
