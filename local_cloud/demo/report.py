"""What the demo leaves: a table on the terminal and summary.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_cloud.demo.topic_url import Weights
from local_cloud.demo.topics import Topic

SHOWN_WORDS: Final = 6
_TEXT_CHARS: Final = 150
_SHOWN_TOPICS: Final = 3
_LEAST_SHOWN: Final = 0.05


@dataclass(frozen=True)
class Example:
    """A document that was sent to the URL, and its answer."""

    id: str
    text: str
    topic_weights: Weights


def topic_table(topics: Sequence[Topic]) -> str:
    """Return the topics, largest first, with their words and the labels most typical of each."""
    lines = [f"  {'topic':>5} {'share':>6}  {'words':<72}typical of"]
    for topic in sorted(topics, key=lambda topic: -topic.share):
        words = ", ".join(topic.words[:SHOWN_WORDS])
        lines.append(f"  {topic.id:>5} {topic.share:>6.1%}  {words:<71.71} {', '.join(topic.labels)}")
    return "\n".join(lines)


def most_typical(weights: Sequence[Weights], count: int) -> list[int]:
    """Return the rows of the documents with the highest weights, each of another topic."""
    chosen: dict[int, int] = {}
    for row in sorted(range(len(weights)), key=lambda row: -max(weights[row])):
        chosen.setdefault(weights[row].index(max(weights[row])), row)
    return list(chosen.values())[:count]


def answers(examples: Sequence[Example], topics: Sequence[Topic]) -> str:
    """Return a few documents with the topics that the URL found in each."""
    words = {topic.id: topic.label or ", ".join(topic.words[:4]) for topic in topics}
    lines: list[str] = []
    for example in examples:
        text = " ".join(example.text.split())
        lines.append(f"  {example.id}\n    “{text[:_TEXT_CHARS]}{'…' if len(text) > _TEXT_CHARS else ''}”")
        best = sorted(enumerate(example.topic_weights), key=lambda pair: -pair[1])[:_SHOWN_TOPICS]
        lines += [
            f"      {weight:>4.0%}  topic {topic}: {words[topic]}" for topic, weight in best if weight >= _LEAST_SHOWN
        ]
    return "\n".join(lines)


def write_summary(
    file: Path,
    *,
    function_url: str,
    training_job: str,
    topics: Sequence[Topic],
    examples: Sequence[Example],
    timings_s: Mapping[str, float],
) -> None:
    """Write summary.json, whole or not at all."""
    summary = {
        "function_url": function_url,
        "training_job": training_job,
        "topics": [
            {"id": topic.id, "share": topic.share, "label": topic.label, "words": topic.words, "labels": topic.labels}
            for topic in topics
        ],
        "examples": [
            {"id": example.id, "text": example.text, "topic_weights": example.topic_weights} for example in examples
        ],
        "timings_s": dict(timings_s),
    }
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    unfinished.replace(file)
