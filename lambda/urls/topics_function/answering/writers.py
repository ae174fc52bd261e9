"""Topic weights as the caller wants them: JSON, JSON Lines or CSV; all weights or the strongest topics. Pure."""

from __future__ import annotations

import heapq
import json
from typing import TYPE_CHECKING, Final

from url_functions.media_types import APPLICATION_JSON, TEXT_CSV
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from topics_function.model.answers import Weights
    from topics_function.model.inference import Result
    from topics_function.model.topic_list import Topics

SHARE_DIGITS: Final = 4
CORPUS_MEAN: Final = "corpus_mean"


def write(result: Result, media_type: str, *, top: int | None) -> str:
    """Return the body of the answer; `media_type` is one of `media_types.WRITABLE`.

    Raises:
        Problem: `not_acceptable`, where CSV cannot carry what the answer holds.
    """
    if media_type == TEXT_CSV:
        return _csv(result, top)
    if media_type == APPLICATION_JSON:
        if result.json_body is not None and top is None:
            return result.json_body
        return json.dumps({"predictions": list(_predictions(result, top))}, ensure_ascii=False)
    return "".join(json.dumps(prediction, ensure_ascii=False) + "\n" for prediction in _predictions(result, top))


def _predictions(result: Result, top: int | None) -> Iterator[dict[str, object]]:
    for index, row in enumerate(result.rows):
        if isinstance(row, Problem):
            prediction: dict[str, object] = {"error": row.members()}
        elif top is not None and result.topics is not None:
            prediction = {"topics": strongest(row, result.topics, top)}
        else:
            prediction = {"topic_weights": row}
        counted = result.counted[index] if result.counted is not None else None
        if counted is not None:
            prediction["unknown_word_share"] = round(counted.unknown_share, SHARE_DIGITS)
        if index in result.estimated:
            prediction["estimated"] = CORPUS_MEAN
        yield prediction


def strongest(weights: Weights, topics: Topics, top: int) -> list[dict[str, object]]:
    """Return the `top` strongest topics, strongest first, with label, weight and words."""
    return [
        {"id": topic.id, "label": topic.label, "weight": weights[topic.id], "words": topic.words}
        for topic in heapq.nlargest(top, topics.topics, key=lambda topic: weights[topic.id])
    ]


def _csv(result: Result, top: int | None) -> str:
    lines: list[str] = []
    for row in result.rows:
        if isinstance(row, Problem):
            detail = "CSV has no place for the problem of a single row"
            raise Problem(Code.NOT_ACCEPTABLE, detail, row=row.row, allowed="errors=strict, or JSON or JSON Lines")
        if top is not None and result.topics is not None:
            cells = [
                cell
                for topic in strongest(row, result.topics, top)
                for cell in (str(topic["id"]), _quoted(str(topic["label"])), repr(topic["weight"]))
            ]
        else:
            cells = [repr(weight) for weight in row]
        lines.append(",".join(cells))
    # RFC 4180 ends its lines with CRLF; every reader takes a line feed, and the requests may have it as well.
    return "".join(line + "\n" for line in lines)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
