"""Vocabularies from the corpus bucket, loaded once a corpus version and kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from topics_function.reading.vectorizer import Vocabulary, VocabularyError
from url_functions.problems import Code, Problem
from url_functions.stored_objects import UnreadableObjectError, read_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_functions.ports import S3Client

SURFACE_FORMS: Final = "vocabulary/surface_forms.json"
"""The map of surface forms, in a corpus's folder."""

KEPT: Final = 2
"""Vocabularies kept: that of the model in service, and that of the one it is being replaced by."""

logger = logging.getLogger(__name__)


class VocabularyStore:
    """Vocabularies by corpus version.

    Args:
        client: gives the S3 client.
        bucket: where the corpora are; None refuses raw documents.
        prefix: what a corpus version is put behind, ending in a slash.
    """

    def __init__(self, client: Callable[[], S3Client], bucket: str | None, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._kept: OrderedDict[str, Vocabulary] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, corpus: str) -> Vocabulary:
        """Return the vocabulary of a corpus version.

        Raises:
            Problem: `vocabulary_unavailable`, or `service_misconfigured` where no bucket is set.
        """
        with self._lock:
            kept = self._kept.get(corpus)
            if kept is None:
                kept = self._kept[corpus] = self._load(corpus)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(corpus)
            return kept

    def _load(self, corpus: str) -> Vocabulary:
        if self._bucket is None:
            raise Problem(Code.SERVICE_MISCONFIGURED, "raw documents need CORPUS_BUCKET, which is not set")
        # The version comes from outside and becomes part of a key.
        if not corpus.isalnum() or not corpus.isascii():
            raise Problem(Code.VOCABULARY_UNAVAILABLE, "the corpus version in service is not a hash")
        try:
            key = f"{self._prefix}{corpus}/{SURFACE_FORMS}"
            return Vocabulary.from_json(read_object(self._client(), self._bucket, key))
        except (UnreadableObjectError, VocabularyError) as error:
            logger.warning("vocabulary_unreadable", extra={"corpus": corpus, "error": str(error)})
            detail = f"the vocabulary of corpus {corpus} cannot be read"
            raise Problem(Code.VOCABULARY_UNAVAILABLE, detail) from None
