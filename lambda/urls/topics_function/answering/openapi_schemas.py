"""The JSON Schemas of the OpenAPI document: what a request may hold, and what an answer holds."""

from __future__ import annotations

from topics_function.answering.writers import CORPUS_MEAN
from url_functions import options
from url_functions.limits import MAX_COUNT, MAX_FEATURE_DIM
from url_functions.problems import KINDS, PROBLEM_TYPE_PREFIX

Json = dict[str, object]


def ref(name: str) -> Json:
    """Return a reference to one of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, required: list[str], *, closed: bool = False) -> Json:
    schema: Json = {"type": "object", "properties": properties, "required": required}
    return {**schema, "additionalProperties": False} if closed else schema


def component_schemas() -> Json:
    """Return all schemas by name."""
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
        "estimated": {"const": CORPUS_MEAN, "description": "The weights are the mean of the training corpus"},
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
                "instances": {"type": "array", "items": ref("Instance"), "minItems": 1},
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
        "Predictions": _object({"predictions": {"type": "array", "items": ref("Prediction")}}, ["predictions"]),
        "Prediction": {
            "oneOf": [
                _object({"topic_weights": {"type": "array", "items": weight}, **told}, ["topic_weights"]),
                _object({"topics": {"type": "array", "items": strongest}, **told}, ["topics"]),
                _object({"error": ref("Problem"), **told}, ["error"]),
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
