"""What can be wrong with a request for similar documents, beside what the topics function's problems tell."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

from url_functions.problems import Kind, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


class SimilarCode(StrEnum):
    """The stable codes of this function's own; those of `url_functions.problems` come on top."""

    UNKNOWN_DOCUMENT = "unknown_document"
    INDEX_NOT_PUBLISHED = "index_not_published"
    INDEX_OF_ANOTHER_MODEL = "index_of_another_model"
    INDEX_UNAVAILABLE = "index_unavailable"
    SCORING_UNAVAILABLE = "scoring_unavailable"


OWN_KINDS: Final[dict[SimilarCode, Kind]] = {
    SimilarCode.UNKNOWN_DOCUMENT: Kind(404, "The index has no document of this id"),
    SimilarCode.INDEX_NOT_PUBLISHED: Kind(503, "No index is published for the model in service", retry=True),
    SimilarCode.INDEX_OF_ANOTHER_MODEL: Kind(503, "The index is of another model than the one in service", retry=True),
    SimilarCode.INDEX_UNAVAILABLE: Kind(503, "The index cannot be read", retry=True),
    SimilarCode.SCORING_UNAVAILABLE: Kind(503, "The function that scores documents cannot be reached", retry=True),
}


class SimilarProblem(Problem):
    """A problem of this function: in the same form as the topics function's."""

    kinds: ClassVar[Mapping[str, Kind]] = {**Problem.kinds, **{str(code): kind for code, kind in OWN_KINDS.items()}}
