"""Puts the page together from template.html, page.css, the programs and the study."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from explore import palette
from explore.errors import ExploreError
from explore.page import names, relevance, texts, timeline
from explore.study import Study

MOST_BYTES: Final = 25_000_000
"""Of the page without the texts, which have a limit of their own."""
STRONGEST: Final = 3
"""Topics told of each document."""
_HERE: Final = Path(__file__).parent
_PROGRAMS: Final = ("data.js", "points.js", "map.js", "side.js", "topics.js", "panels.js", "main.js")
_SIXTEEN_BITS: Final = 65_535
_EIGHT_BITS: Final = 255


def page(study: Study) -> bytes:
    """Return the page.

    Raises:
        ExploreError: it would be larger than MOST_BYTES.
    """
    listed = [study.texts.get(study.vectors.ids[row], "") for row in study.rows]
    packed, excerpt = texts.packed(listed) if any(listed) else ("", None)
    program = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in _PROGRAMS)
    # "<" only occurs in strings of the data, where JSON takes an escape for it: no text can end the script.
    content = {**_data(study), "texts": {"excerpt": excerpt, "most": texts.MOST_BYTES} if packed else None}
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    filled = (_HERE / "template.html").read_text(encoding="utf-8")
    for name, text in (
        ("style", (_HERE / "page.css").read_text(encoding="utf-8")),
        ("program", program),
        ("data", data),
    ):
        before, _, after = filled.partition(f"@@{name}@@")
        filled = f"{before}{text}{after}"
    # The place that the template has, whatever stands in the data before it.
    whole, place = filled.encode("utf-8", "replace"), b"@@texts@@"
    if len(whole) > MOST_BYTES:
        raise ExploreError(
            f"the page would have {len(whole):,} bytes without its texts, where {MOST_BYTES:,} is the most"
        )
    return packed.encode().join(whole.rsplit(place, 1))


def _data(study: Study) -> dict[str, object]:
    vectors, rows = study.vectors, study.rows
    weights = vectors.weights[rows]
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :STRONGEST]
    point_of = {int(row): point for point, row in enumerate(rows)}
    return {
        "model": vectors.model,
        "corpus": vectors.corpus,
        "method": study.method,
        "documents": len(vectors.ids),
        "without": len(vectors.without),
        "longestName": names.LONGEST,
        "relevance": relevance.told(study.words, vectors.weights, study.counts),
        "time": timeline.told(vectors, study.dates),
        "palette": {"light": palette.ON_LIGHT, "dark": palette.ON_DARK},
        "topics": [
            {
                "id": topic.id,
                "label": topic.label,
                "words": topic.words,
                "share": round(topic.share, 5),
                "dominant": topic.dominant,
                "coherence": round(topic.coherence, 3),
                "uniqueness": round(topic.uniqueness, 3),
                "typical": [
                    {
                        "id": vectors.ids[row],
                        "label": vectors.labels[row],
                        "text": texts.beginning(study.texts.get(vectors.ids[row], "")),
                        "weight": round(float(vectors.weights[row, topic.id]), 3),
                        "point": point_of.get(row),
                    }
                    for row in topic.typical
                ],
                "nearest": [[other, round(distance, 3)] for other, distance in topic.nearest],
                "mark": study.topic_marks[topic.id],
            }
            for topic in study.topics
        ],
        "labels": [{"name": name, "mark": mark} for name, mark in zip(study.labels, study.label_marks, strict=True)],
        "tree": {"steps": np.round(study.tree.steps, 4).tolist(), "order": study.tree.order},
        "advice": [
            {
                "topics": advice.topics,
                "distance": round(advice.distance, 3),
                "words": advice.words,
                "reason": advice.reason,
            }
            for advice in study.advice
        ],
        "confusion": study.confusion
        and {
            "labels": study.confusion.labels,
            "sizes": study.confusion.sizes,
            "weights": np.round(study.confusion.weights, 3).tolist(),
            "agreement": round(study.confusion.agreement, 3),
            "purity": round(study.confusion.purity, 3),
            "leftOut": study.confusion.left_out,
        },
        "points": {
            "number": len(rows),
            "positions": _packed(_scaled(study.positions), np.uint16),
            "topics": _packed(strongest, np.uint16),
            "weights": _packed(np.round(np.take_along_axis(weights, strongest, axis=1) * _EIGHT_BITS), np.uint8),
            "told": strongest.shape[1],
            "labels": _packed(study.label_numbers, np.uint16),
            "ids": [vectors.ids[row] for row in rows],
            "near": _packed(study.nearest, np.uint32),
            "distances": _packed(np.round(study.distances * _EIGHT_BITS), np.uint8),
        },
    }


def _scaled(positions: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return positions in 0..65535, both axes at one scale."""
    lowest, highest = positions.min(axis=0), positions.max(axis=0)
    span = float((highest - lowest).max()) or 1.0
    middle = (lowest + highest) / 2
    return np.asarray(np.clip((positions - middle) / span + 0.5, 0, 1) * _SIXTEEN_BITS, dtype=np.float64).round()


def _packed(values: npt.NDArray[np.generic], kind: type[np.uint8 | np.uint16 | np.uint32]) -> str:
    little = np.dtype(kind).newbyteorder("<")
    return base64.b64encode(np.ascontiguousarray(values.astype(little)).tobytes()).decode("ascii")
