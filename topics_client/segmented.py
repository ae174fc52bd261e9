"""Text that the URL refuses as unsegmented, parted as the corpus of its model was."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from topics_client import segmentation
from topics_client.errors import TopicsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from topics_client.batching import Batch
    from topics_client.results import Prediction

UNSEGMENTED_TEXT: Final = "unsegmented_text"
"""The URL's code."""
_PARTED: Final = "\u200b"
"""Tells the URL, at the end of a text, that its words are parted."""


def refusals_in(predictions: Sequence[Prediction]) -> dict[int, TopicsError]:
    """Return the refusals of texts whose words nothing parts, by their place."""
    errors = {place: one.error for place, one in enumerate(predictions) if one.error is not None}
    return {place: error for place, error in errors.items() if error.code == UNSEGMENTED_TEXT}


def parted(text: str, refusal: TopicsError) -> str:
    """Return a refused text with its words parted, by the packages that the refusal names.

    Raises:
        TopicsError: the refusal, with the reason why the text is not parted here.
    """
    by = refusal.allowed or ""
    languages = [name for name in segmentation.SEGMENTED_LANGUAGES if segmentation.package_of(name) in by]
    if not languages:
        raise _because(refusal, "the corpus does not say what parted its words")
    language = languages[0] if len(languages) == 1 else segmentation.language_of(text)
    try:
        words = segmentation.segmented(text, language)
    except segmentation.SegmentationError as error:
        raise _because(refusal, str(error)) from None
    for name, release in segmentation.releases_of([language]).items():
        if f"{name} {release}" not in by:
            warnings.warn(f"{name} {release} parts words here, and another release did in the corpus", stacklevel=2)
    return words + _PARTED


def _because(refusal: TopicsError, reason: str) -> TopicsError:
    """Return a refusal that also tells a reason of this side."""
    return TopicsError(
        refusal.code,
        f"{refusal.detail}: {reason}",
        status=refusal.status,
        row=refusal.row,
        pointer=refusal.pointer,
        allowed=refusal.allowed,
        request_id=refusal.request_id,
    )


def parted_batch(batch: Batch, refusals: Mapping[int, TopicsError]) -> tuple[Batch, dict[int, TopicsError]]:
    """Return a batch with its refused texts parted, and the refusals of those that cannot be parted here, by place."""
    items, failures = list(batch.items), {}
    for place, refusal in refusals.items():
        try:
            items[place] = json.dumps(parted(json.loads(items[place]), refusal))
        except TopicsError as error:
            failures[place] = error
    return replace(batch, items=tuple(items)), failures
