"""The container's answers, read and checked: as many predictions as rows, each with finite weights. Pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from url_functions.media_types import APPLICATION_JSON, parse

Weights = list[float]


class BadAnswerError(ValueError):
    """An answer that is cut short, or not what the inference contract says."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Topic weights of some rows, in the rows' order, and the JSON they came as where that can be passed on."""

    weights: list[Weights]
    json_body: str | None


def read(body: bytes, content_type: str, *, rows: int) -> Predictions:
    """Read `{"predictions":[{"topic_weights":[…]},…]}`.

    Raises:
        BadAnswerError: says what is wrong with the answer.
    """
    essence, _ = parse(content_type)
    if essence != APPLICATION_JSON:
        raise BadAnswerError(f"the answer is {essence[:60]!r}, not {APPLICATION_JSON}")
    try:
        text = body.decode("utf-8")
        content = json.loads(text)
        weights = [prediction["topic_weights"] for prediction in content["predictions"]]
        sound = all(map(_is_sound, weights))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadAnswerError(f"the answer of {len(body)} bytes cannot be read: {type(error).__name__}") from None
    if len(weights) != rows:
        raise BadAnswerError(f"the answer has {len(weights)} predictions for {rows} rows")
    if not sound:
        raise BadAnswerError("the answer has weights that are no finite numbers")
    return Predictions(weights, text)


def _is_sound(weights: object) -> bool:
    return isinstance(weights, list) and len(weights) > 0 and math.isfinite(sum(weights))


def joined(parts: list[Predictions]) -> Predictions:
    """Return the predictions of several calls as those of one, in order."""
    if len(parts) == 1:
        return parts[0]
    return Predictions([weights for part in parts for weights in part.weights], None)
