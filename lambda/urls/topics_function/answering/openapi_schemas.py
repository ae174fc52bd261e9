"""The JSON Schemas of the OpenAPI document: what a request may hold, and what an answer holds."""

from __future__ import annotations

from topics_function.answering.writers import CORPUS_MEAN
from url_functions import options
from url_functions.limits import MAX_COUNT, MAX_FEATURE_DIM
from url_functions.openapi import Json, object_schema, ref, shared_schemas
from url_functions.problems import KINDS


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
    sparse = object_schema({"keys": keys, "shape": shape, "values": counts}, ["keys", "values"], closed=True)
    dense_data = object_schema({"values": counts}, ["values"], closed=True)
    data = object_schema({"features": {"oneOf": [dense_data, sparse]}}, ["features"], closed=True)
    corpus_version: Json = {**nullable_string, "description": f"As the parameter {options.CORPUS_VERSION}"}
    strongest = object_schema(
        {"id": {"type": "integer"}, "label": string, "weight": weight, "words": words},
        ["id", "label", "weight", "words"],
    )
    topic = object_schema(
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
                object_schema({"features": counts}, ["features"], closed=True),
                object_schema({"data": data}, ["data"], closed=True),
            ]
        },
        "InstancesRequest": object_schema(
            {
                "instances": {"type": "array", "items": ref("Instance"), "minItems": 1},
                "corpus_version": corpus_version,
            },
            ["instances"],
            closed=True,
        ),
        "DocumentsRequest": object_schema(
            {"documents": {"type": "array", "items": string, "minItems": 1}, "corpus_version": corpus_version},
            ["documents"],
            closed=True,
        ),
        "Predictions": object_schema({"predictions": {"type": "array", "items": ref("Prediction")}}, ["predictions"]),
        "Prediction": {
            "oneOf": [
                object_schema({"topic_weights": {"type": "array", "items": weight}, **told}, ["topic_weights"]),
                object_schema({"topics": {"type": "array", "items": strongest}, **told}, ["topics"]),
                object_schema({"error": ref("Problem"), **told}, ["error"]),
            ]
        },
        "Topics": object_schema(
            {"model": string, "corpus": string, "topics": {"type": "array", "items": topic}},
            ["model", "corpus", "topics"],
        ),
        "Health": object_schema(
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
        **shared_schemas(KINDS),
    }
