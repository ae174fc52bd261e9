"""Which model gave an answer, by the server's own word: the CustomAttributes of an InvokeEndpoint answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from url_functions.in_service import InService

MODEL_HEADER: Final = "x-model-version"
CORPUS_HEADER: Final = "x-corpus-version"
VOCABULARY_HEADER: Final = "x-vocabulary-version"


@dataclass(frozen=True, slots=True)
class Versions:
    """Model, corpus and vocabulary version; None where the server does not say."""

    model: str | None = None
    corpus: str | None = None
    vocabulary: str | None = None

    @classmethod
    def from_attributes(cls, attributes: str | None) -> Versions:
        """Read `model=<v>;corpus=<hash>;vocabulary=<hash>`; what is missing or not understood is None."""
        values: dict[str, str] = {}
        for part in (attributes or "").split(";"):
            name, separator, value = part.partition("=")
            if separator and value.strip():
                values[name.strip()] = value.strip()
        return cls(values.get("model"), values.get("corpus"), values.get("vocabulary"))

    @property
    def told(self) -> bool:
        """Tell whether the server named its corpus: the open server does, the built-in image does not."""
        return self.corpus is not None

    def or_else(self, facts: InService) -> Versions:
        """Return these versions, with what the server left out taken from the record of the model in service.

        A record of another corpus than the server's says nothing about the server's model.
        """
        if self.corpus is not None and self.corpus != facts.corpus:
            return self
        return Versions(self.model or facts.model, self.corpus or facts.corpus, self.vocabulary or facts.vocabulary)

    def headers(self) -> dict[str, str]:
        """Return the answer's headers."""
        named = {MODEL_HEADER: self.model, CORPUS_HEADER: self.corpus, VOCABULARY_HEADER: self.vocabulary}
        return {name: value for name, value in named.items() if value is not None}
