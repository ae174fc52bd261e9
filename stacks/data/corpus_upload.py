"""What is particular to uploading a corpus prepared here. Older ones stay: a model in service needs its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.data.folder_upload import Folder

if TYPE_CHECKING:
    from stacks.data.stack import LocalCorpus

CORPORA_PREFIX: Final = "corpora/"
"""Every corpus is a folder of its own under this prefix, named by its hash; none is ever changed or removed."""


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
