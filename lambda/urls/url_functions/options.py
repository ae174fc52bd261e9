"""What a caller may ask for in the query of a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from url_functions.limits import MAX_TOPICS
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP: Final = "top"
ERRORS: Final = "errors"
EMPTY: Final = "empty"
CORPUS_VERSION: Final = "corpus_version"
WEIGHTS: Final = "weights"
ENDPOINT: Final = "endpoint"

STRICT: Final = "strict"
PER_ROW: Final = "per_row"
REFUSE: Final = "refuse"
MEAN: Final = "mean"
SERVED: Final = "served"
RAW: Final = "raw"


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How a request for scoring is to be answered.

    Attributes:
        top: give only so many of the strongest topics, with label and words; None for all weights.
        per_row_errors: answer the good rows and report each failed row's problem in its place; else refuse all.
        mean_for_empty: give a document without known words the corpus's mean; else its problem.
        corpus_version: the corpus whose vocabulary the caller counted with.
        raw_weights: give weights as the model has them, not raised to its exponent.
    """

    top: int | None = None
    per_row_errors: bool = False
    mean_for_empty: bool = False
    corpus_version: str | None = None
    raw_weights: bool = False


def scoring_options(query: Mapping[str, str]) -> ScoringOptions:
    """Read the query of a request for scoring.

    Raises:
        Problem: `invalid_parameter`, naming the parameter and what is allowed.
    """
    refuse_unknown(query, (TOP, ERRORS, EMPTY, CORPUS_VERSION, WEIGHTS))
    mean, raw = _choice(query, EMPTY, (REFUSE, MEAN)) == MEAN, _choice(query, WEIGHTS, (SERVED, RAW)) == RAW
    if mean and raw:
        # The mean that is published is of the weights as they are served.
        raise _refusal(WEIGHTS, RAW, f"{SERVED} with {EMPTY}={MEAN}")
    return ScoringOptions(
        top=_top(query.get(TOP)),
        per_row_errors=_choice(query, ERRORS, (STRICT, PER_ROW)) == PER_ROW,
        mean_for_empty=mean,
        corpus_version=_version(query.get(CORPUS_VERSION)),
        raw_weights=raw,
    )


def no_options(query: Mapping[str, str]) -> None:
    """Refuse any parameter, where a path takes none."""
    refuse_unknown(query, ())


def asks_for_endpoint(query: Mapping[str, str]) -> bool:
    """Read the query of a health check: whether the endpoint itself is to be called."""
    refuse_unknown(query, (ENDPOINT,))
    return _choice(query, ENDPOINT, ("false", "true")) == "true"


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    # No longer than the longest allowed: Python converts only so many digits.
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_TOPICS)) and 1 <= int(text) <= MAX_TOPICS:
        return int(text)
    raise _refusal(TOP, text, f"whole numbers from 1 to {MAX_TOPICS}")


def _version(text: str | None) -> str | None:
    if text == "":
        raise _refusal(CORPUS_VERSION, text, "a corpus version, as the header x-corpus-version names it")
    return text


def _choice(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = query.get(name, choices[0])
    if value not in choices:
        raise _refusal(name, value, " or ".join(choices))
    return value


def refuse_unknown(query: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Refuse any parameter but those known.

    Raises:
        Problem: `invalid_parameter`.
    """
    for name in query:
        if name not in known:
            raise Problem(
                Code.INVALID_PARAMETER,
                f"there is no parameter {name[:40]!r} here",
                parameter=name[:40],
                allowed=", ".join(known) or "none",
            )


def _refusal(name: str, value: str, allowed: str) -> Problem:
    return Problem(Code.INVALID_PARAMETER, f"{name} is {value[:40]!r}", parameter=name, allowed=allowed)
