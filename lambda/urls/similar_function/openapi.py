"""The interface as an OpenAPI 3.1 document, its facts taken from the constants that the code itself goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from similar_function import requests
from similar_function.problems import SimilarCode, SimilarProblem
from similar_function.similar import MOST_NEIGHBOURS, NEIGHBOURS
from url_functions.events import UNKNOWN_SHARE_HEADER
from url_functions.media_types import APPLICATION_JSON, TEXT_PLAIN
from url_functions.openapi import (
    DATABASE_QUESTION,
    EVERY_PATH,
    RECORD,
    SCORING,
    SECURITY_SCHEMES,
    SERVERS,
    megabytes,
    problem_responses,
    ref,
    shared_schemas,
)
from url_functions.problems import Code
from url_functions.versions import CORPUS_HEADER, MODEL_HEADER

if TYPE_CHECKING:
    from url_functions.openapi import Json

VERSION: Final = "1.0.0"
"""Of the interface: the second number for additions, the first for what would break a caller."""

INDEX: Final = frozenset(
    {
        *EVERY_PATH,
        *RECORD,
        Code.THROTTLED,
        SimilarCode.INDEX_NOT_PUBLISHED,
        SimilarCode.INDEX_OF_ANOTHER_MODEL,
        SimilarCode.INDEX_UNAVAILABLE,
    }
)
OF_A_DOCUMENT: Final = frozenset({*INDEX, *SCORING, SimilarCode.SCORING_UNAVAILABLE})
_MODEL: Final[Json] = {"model": "topic-model-dev-deploy-3644b0642de2", "corpus": "497c9da7fb59"}
SOME_ID: Final = "rds:RestoreDBInstanceFromDBSnapshot"
SIMILAR: Final[Json] = {**_MODEL, "similar": [{"id": SOME_ID, "label": "rds", "distance": 0.031}]}
HEALTH: Final[Json] = {"status": "ok", **_MODEL, "documents": 9529}


def document() -> Json:
    """Return the OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Similar documents",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "Documents of similar topics, by the Hellinger distance of their topic weights. "
                f"A document that is sent may have {megabytes(requests.MAX_DOCUMENT_BYTES)}."
            ),
        },
        "servers": SERVERS,
        "security": [{"sigv4": []}],
        "paths": {
            "/similar": {"get": _of_id(), "post": _of_document()},
            "/health": {"get": _reading("health", "Whether the model in service has an index", "Health", INDEX)},
            "/openapi.json": {
                "get": _reading("openapi", "This document", "OpenApi", EVERY_PATH | {Code.NOT_ACCEPTABLE})
            },
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _of_id() -> Json:
    name: Json = {
        "name": requests.ID,
        "in": "query",
        "required": True,
        "description": "Of a document in the published topic vectors",
        "example": SOME_ID,
        "schema": {"type": "string", "minLength": 1, "maxLength": requests.MAX_ID_CHARS},
    }
    return {
        "operationId": "similarToId",
        "summary": "Documents similar to one that is in the index",
        "parameters": [name, _number()],
        "responses": {"200": _similar(), **_problems(INDEX | {SimilarCode.UNKNOWN_DOCUMENT})},
    }


def _of_document() -> Json:
    return {
        "operationId": "similarToDocument",
        "summary": "Documents similar to a raw document",
        "parameters": [_number()],
        "requestBody": {
            "required": True,
            "content": {
                APPLICATION_JSON: {"schema": ref("DocumentRequest"), "example": {requests.DOCUMENT: DATABASE_QUESTION}},
                TEXT_PLAIN: {"schema": {"type": "string", "minLength": 1, "description": "The document"}},
            },
        },
        "responses": {"200": _similar(), **_problems(OF_A_DOCUMENT)},
    }


def _number() -> Json:
    return {
        "name": requests.NUMBER,
        "in": "query",
        "description": "How many, nearest first",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST_NEIGHBOURS, "default": NEIGHBOURS},
    }


def _similar() -> Json:
    headers = {
        MODEL_HEADER: "The model that gave the topic weights of all of them",
        CORPUS_HEADER: "The corpus it was trained on",
        UNKNOWN_SHARE_HEADER: "Share of unknown words, for a raw document",
    }
    return {
        "description": "The nearest documents, nearest first",
        "headers": {
            name: {"description": description, "schema": {"type": "string"}} for name, description in headers.items()
        },
        "content": {APPLICATION_JSON: {"schema": ref("Similar"), "example": SIMILAR}},
    }


def _reading(operation_id: str, summary: str, schema: str, codes: frozenset[str]) -> Json:
    example = {"example": HEALTH} if schema == "Health" else {}
    return {
        "operationId": operation_id,
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {APPLICATION_JSON: {"schema": ref(schema), **example}}},
            **_problems(codes),
        },
    }


def _problems(codes: frozenset[str]) -> Json:
    return problem_responses(codes, SimilarProblem.kinds)


def _schemas() -> Json:
    string: Json = {"type": "string"}
    return {
        "DocumentRequest": {
            "type": "object",
            "properties": {requests.DOCUMENT: string},
            "required": [requests.DOCUMENT],
            "additionalProperties": False,
        },
        "Similar": {
            "type": "object",
            "properties": {
                "model": string,
                "corpus": string,
                "id": string,
                "unknown_word_share": {"type": "number", "minimum": 0, "maximum": 1},
                "similar": {"type": "array", "items": ref("Neighbour"), "maxItems": MOST_NEIGHBOURS},
            },
            "required": ["model", "corpus", "similar"],
        },
        "Neighbour": {
            "type": "object",
            "properties": {
                "id": string,
                "label": string,
                "distance": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "description": "Hellinger: 0 for the same topics, 1 for none in common",
                },
            },
            "required": ["id", "label", "distance"],
        },
        "Health": {
            "type": "object",
            "properties": {
                "status": {"const": "ok"},
                "model": string,
                "corpus": string,
                "documents": {"type": "integer", "minimum": 0},
            },
            "required": ["status", "model", "corpus", "documents"],
        },
        **shared_schemas(SimilarProblem.kinds),
    }
