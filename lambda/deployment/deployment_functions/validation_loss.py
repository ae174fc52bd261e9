"""A validation loss as it is recorded: the number, and what it measures, without which it compares with no other.

Both are one field, `412.25 open-ntm-1 document_weight_words=150.0`: what restores a recorded model, such as the guard
of a rolled-back rollout, then restores both. Earlier versions recorded the number alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from deployment_functions.model_fields import NOT_REPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFINITION: Final = "loss_definition"
"""Where a model's description says what its losses measure."""
BUILT_IN: Final = "built-in-ntm"
"""What the loss of a model measures that does not describe itself: only the built-in's do not."""
_RECORDABLE: Final = re.compile(r"[A-Za-z0-9_.:/=+@-]+( [A-Za-z0-9_.:/=+@-]+)*")
"""What the metadata of a model package may hold.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""
_MOST_CHARS: Final = 200


class ValidationLoss(NamedTuple):
    """A loss; `definition` is None where it was recorded without."""

    value: float
    definition: str | None

    @classmethod
    def read(cls, recorded: str) -> Self | None:
        """Return the loss that a field holds, or None where the job reported none."""
        if recorded == NOT_REPORTED:
            return None
        value, _, definition = recorded.partition(" ")
        return cls(float(value), definition or None)

    def recorded(self) -> str:
        """Return the field's text."""
        return f"{self} {self.definition}" if self.definition else str(self)

    def __str__(self) -> str:
        """Return the number alone, in six digits."""
        return f"{self.value:.6g}"


def definition_of(description: Mapping[str, object] | None) -> str | None:
    """Return what the losses of a model measure by its description, or None where that does not say it."""
    if description is None:
        return BUILT_IN
    told = description.get(DEFINITION)
    if not isinstance(told, str) or len(told) > _MOST_CHARS or not _RECORDABLE.fullmatch(told):
        return None
    return told
