"""20 Newsgroups, split by date: Usenet messages of 1993, labelled by newsgroup."""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from training_scripts.corpus.manifest import Part

_PARTS: tuple[Part, ...] = ("train", "test")
_FOLDERS: dict[str, Part] = {"20news-bydate-train": "train", "20news-bydate-test": "test"}


@dataclass(frozen=True)
class Newsgroups:
    """The messages without headers, footers and quotes, as scikit-learn removes them; id `<newsgroup>/<number>`.

    Read from `archive`, a local `20news-bydate.tar.gz`, or else by scikit-learn's loader, which downloads them once.
    """

    name: ClassVar[str] = "20newsgroups"
    licence: ClassVar[str] = "public Usenet posts, no licence stated"
    recommended: ClassVar[Mapping[str, int | float]] = {"least_words": 20}
    has_ids: ClassVar[bool] = True
    version: ClassVar[str] = "20news-bydate"
    archive: Path | None = None

    def fingerprint(self) -> str:
        """Return a hash of the archive's bytes, or of the loader's version, which checks what it downloads."""
        if self.archive is None:
            import sklearn  # noqa: PLC0415 -- takes a second; only this source pays

            return f"scikit-learn {sklearn.__version__}"
        try:
            with self.archive.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise CorpusError(f"{self.archive} cannot be read: {error.strerror}") from None

    def documents(self) -> Iterator[Document]:
        """Yield the messages; those of the source's test part have the split `test`, the others `train`."""
        return _downloaded() if self.archive is None else _archived(self.archive)


def _archived(archive: Path) -> Iterator[Document]:
    # The loader's own functions: what they strip defines the data set that results are compared on.
    from sklearn.datasets._twenty_newsgroups import (  # noqa: PLC0415
        strip_newsgroup_footer,
        strip_newsgroup_header,
        strip_newsgroup_quoting,
    )

    found = False
    try:
        with tarfile.open(archive, "r:*") as members:
            for member in members:
                parts = PurePosixPath(member.name).parts[-3:]
                content = members.extractfile(member) if member.isfile() else None
                if content is None or len(parts) < 3 or parts[0] not in _FOLDERS:  # noqa: PLR2004 -- part/group/number
                    continue
                found = True
                message = strip_newsgroup_header(content.read().decode("latin-1"))
                text = strip_newsgroup_footer(strip_newsgroup_quoting(message))
                yield Document(id=f"{parts[1]}/{parts[2]}", label=parts[1], text=text, split=_FOLDERS[parts[0]])
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error).partition(":")[0]
        raise CorpusError(f"{archive} cannot be read as a tar archive: {reason}") from None
    if not found:
        raise CorpusError(f"{archive} holds no folder {' or '.join(_FOLDERS)}, so it is not 20news-bydate.tar.gz")


def _downloaded() -> Iterator[Document]:
    from sklearn.datasets import fetch_20newsgroups  # noqa: PLC0415

    for part in _PARTS:
        try:
            messages = fetch_20newsgroups(subset=part, remove=("headers", "footers", "quotes"), shuffle=False)
        except OSError as error:
            raise CorpusError(
                f"20 Newsgroups cannot be downloaded ({error}): name a local copy with --archive"
            ) from None
        for path, text, group in zip(messages.filenames, messages.data, messages.target, strict=True):
            label = str(messages.target_names[group])
            yield Document(id=f"{label}/{Path(path).name}", label=label, text=text, split=part)
