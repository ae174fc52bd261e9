"""What is particular to uploading a corpus prepared here. Older ones stay: a model in service needs its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stacks.data.folder_upload import Folder
from stacks.shared.bucket_layout import CORPORA_PREFIX

if TYPE_CHECKING:
    from stacks.shared.bucket_layout import LocalCorpus


def corpus_folder(corpus: LocalCorpus) -> Folder:
    """Return a prepared corpus as a folder to upload."""
    return Folder(
        corpus.folder,
        corpus.corpus_hash,
        CORPORA_PREFIX,
        kind="Corpus",
        noun="corpus",
        called="prepared corpus",
        files=corpus.files,
    )
