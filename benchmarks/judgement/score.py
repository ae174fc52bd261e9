"""Unblind and score answers: `python -m benchmarks.judgement.score FOLDER ANSWERS...`.

Pairs: wins, ties and losses, and the share of wins among the decided with its 95 % interval (Wilson 1927). Ratings: the
share of good topics, rated 3 and named. Intruders: the share told. Agreement of judges: Cohen's kappa (1960).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from benchmarks.judgement.items import Item, Key, hash_of
from benchmarks.judgement.sheet import ITEMS_FILE, KEY_FILE, PROTOCOL_FILE

NORMAL_95: Final = 1.959963984540054
_GOOD: Final = "3"
_ITEMS: Final = TypeAdapter(list[Item])


class Answer(BaseModel):
    """One answer: `first`, `second` or `tie`; a rating from 1 to 3 with a name; or the word taken for the intruder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choice: str | None = None
    name: str = ""


class Answers(BaseModel):
    """What one judge answered, as the page saves it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    trained_models: bool
    items_sha256: str
    answers: dict[str, Answer]


class JudgementError(ValueError):
    """Files that do not belong together, in one sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judgement.score", description=__doc__)
    parser.add_argument("folder", type=Path, help="the sheet's folder, with its key")
    parser.add_argument("answers", type=Path, nargs="+", help="the answers of one judge each")
    options = parser.parse_args(arguments)
    try:
        items, key = unblinded(options.folder)
        judges = [_answers(path, hash_of((options.folder / ITEMS_FILE).read_bytes())) for path in options.answers]
        sys.stdout.write(report(items, key, judges))
    except ValidationError as error:
        sys.stderr.write(f"score: a file is not what the page or the sheet writes: {error.errors()[0]['msg']}\n")
        return 2
    except (OSError, ValueError) as error:
        sys.stderr.write(f"score: {error}\n")
        return 2
    return 0


def unblinded(folder: Path) -> tuple[list[Item], Key]:
    """Return a sheet's items and key, which are those that its protocol names.

    Raises:
        JudgementError: a file was changed after the protocol was written.
    """
    protocol = json.loads((folder / PROTOCOL_FILE).read_bytes())
    contents = {name: (folder / name).read_bytes() for name in (ITEMS_FILE, KEY_FILE)}
    for name, field in ((ITEMS_FILE, "items_sha256"), (KEY_FILE, "key_sha256")):
        if protocol.get(field) != hash_of(contents[name]):
            raise JudgementError(f"{folder / name} is not the one whose hash {PROTOCOL_FILE} has")
    return _ITEMS.validate_json(contents[ITEMS_FILE]), Key.model_validate_json(contents[KEY_FILE])


def report(items: Sequence[Item], key: Key, judges: Sequence[Answers]) -> str:
    """Return the scores as text: of all judges together, and how far each two agree."""
    lines: list[str] = []
    pairs: dict[tuple[str, str], Counter[str]] = {}
    good: dict[str, list[bool]] = {}
    told: dict[str, list[bool]] = {}
    for item in items:
        entry = key.entries[item.id]
        for judge in judges:
            answer = judge.answers.get(item.id)
            if answer is None or answer.choice is None:
                continue
            if item.kind == "pair":
                pair = min(entry.models), max(entry.models)
                chosen = {"first": entry.models[0], "second": entry.models[1]}.get(answer.choice, "tie")
                pairs.setdefault(pair, Counter())[chosen] += 1
            elif item.kind == "rate":
                good.setdefault(entry.models[0], []).append(answer.choice == _GOOD and bool(answer.name.strip()))
            else:
                told.setdefault(entry.models[0], []).append(answer.choice == entry.intruder)
    for (first, second), counts in sorted(pairs.items()):
        decided = counts[first] + counts[second]
        lines.append(
            f"{first} against {second}: {counts[first]} wins, {counts['tie']} ties, {counts[second]} losses"
            f"; wins of the decided {_share(counts[first], decided)}"
        )
    for title, shares in (("rated good", good), ("intruder told", told)):
        lines += [f"{title}, {model}: {_share(sum(one), len(one))}" for model, one in sorted(shares.items())]
    lines += [f"judge {judge.judge} trained one of the models" for judge in judges if judge.trained_models]
    for one, other in combinations(judges, 2):
        agreed = kappa(_choices(one), _choices(other))
        lines.append(f"agreement of {one.judge} and {other.judge}: kappa {agreed:.2f}")
    return "\n".join(lines) + "\n"


def wilson(successes: int, number: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's score; (0, 1) where nothing was tried."""
    if not number:
        return 0.0, 1.0
    share, square = successes / number, NORMAL_95**2 / number
    middle = share + square / 2
    spread = NORMAL_95 * sqrt(share * (1 - share) / number + square / (4 * number))
    return max(0.0, (middle - spread) / (1 + square)), min(1.0, (middle + spread) / (1 + square))


def kappa(one: Mapping[str, str], other: Mapping[str, str]) -> float:
    """Return Cohen's kappa over the items that both have answered: 1 for the same answers, 0 for those of chance."""
    both = sorted(one.keys() & other.keys())
    if not both:
        return 0.0
    observed = sum(one[item] == other[item] for item in both) / len(both)
    first, second = (Counter(answers[item] for item in both) for answers in (one, other))
    expected = sum(first[value] * second[value] for value in first) / len(both) ** 2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def _share(successes: int, number: int) -> str:
    low, high = wilson(successes, number)
    return f"{successes} of {number}, 95 % {low:.2f} to {high:.2f}"


def _choices(judge: Answers) -> dict[str, str]:
    return {item: answer.choice for item, answer in judge.answers.items() if answer.choice is not None}


def _answers(path: Path, items_sha256: str) -> Answers:
    answers = Answers.model_validate_json(path.read_bytes())
    if answers.items_sha256 != items_sha256:
        raise JudgementError(f"{path} answers another sheet")
    return answers


if __name__ == "__main__":
    sys.exit(main())
