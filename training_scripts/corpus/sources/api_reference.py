"""The default corpus: the API reference that ships inside botocore, so that there is real text with no download."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import botocore

from training_scripts.corpus.documents import Document
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading.text_rule import text_of_html

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODEL_FILES = ("service-2.json.gz", "service-2.json")


@dataclass(frozen=True)
class ApiReference:
    """What each operation of each AWS service does, labelled by service; id `<service>:<operation>`.

    A service of several API versions gives the newest. Operations without documentation are no documents.
    """

    name: ClassVar[str] = "aws-api-reference"
    licence: ClassVar[str] = "Apache-2.0"
    recommended: ClassVar[Mapping[str, int | float]] = {
        # Shorter texts say little more than the operation's name.
        "least_words": 20,
        # What a tenth of such texts have in common is the genre's: Amazon, operation, returns, request.
        "max_df": 0.1,
    }
    has_ids: ClassVar[bool] = True
    data_folder: Path = Path(botocore.__file__).parent / "data"

    @property
    def version(self) -> str:
        """The release of botocore."""
        return f"botocore {botocore.__version__}"

    def fingerprint(self) -> str:
        """Return a hash of the service models' bytes."""
        digest = hashlib.sha256()
        for service, path in self._models():
            digest.update(f"{service}/{path.parent.name}\0".encode())
            digest.update(hashlib.sha256(_read(path)).digest())
        return digest.hexdigest()

    def documents(self) -> Iterator[Document]:
        """Yield one document an operation."""
        for service, path in self._models():
            for operation, markup in _documented_operations(path):
                if text := text_of_html(markup):
                    yield Document(id=f"{service}:{operation}", label=service, text=text)

    def _models(self) -> Iterator[tuple[str, Path]]:
        try:
            services = sorted(path for path in self.data_folder.iterdir() if path.is_dir())
        except OSError as error:
            raise CorpusError(
                f"botocore's service models in {self.data_folder} cannot be read: {error.strerror}"
            ) from None
        for service in services:
            # API versions are dates, so the newest sorts last.
            for version in sorted((path for path in service.iterdir() if path.is_dir()), reverse=True):
                model = next((version / name for name in _MODEL_FILES if (version / name).is_file()), None)
                if model:
                    yield service.name, model
                    break


def _documented_operations(path: Path) -> list[tuple[str, str]]:
    try:
        model = json.loads(_unzipped(path) if path.suffix == ".gz" else _read(path))
        operations = model["operations"].items()
        return [(name, operation["documentation"]) for name, operation in operations if operation.get("documentation")]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(f"{path} is not one of botocore's service models: {error}") from None


def _unzipped(path: Path) -> bytes:
    # Not gzip.decompress, which copies what is left for each member of the file.
    with gzip.open(path) as stream:
        return stream.read()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}") from None
