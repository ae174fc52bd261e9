"""Whether preparing again would give the corpus that is there: same input, settings, code and libraries."""

from __future__ import annotations

import json
import platform
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import library_versions
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.reading import segmentation
from training_scripts.versions import canonical_json, sha256_hex

if TYPE_CHECKING:
    from training_scripts.corpus.documents import Source
    from training_scripts.corpus.settings import PreparationSettings

_CODE = Path(__file__).parent
_ITS_HELPERS = (
    "recordio.py",
    "record_message.py",
    "protobuf_wire.py",
    "versions.py",
    "plain_text.py",
    "text_records.py",
)


def input_hash(source: Source, settings: PreparationSettings) -> str:
    """Return a hash of all that a corpus comes from: the source's bytes, the settings, this code, its libraries.

    Raises:
        CorpusError: the source cannot be read.
    """
    code = sorted([*_CODE.rglob("*.py"), *_CODE.rglob("*.json"), *(_CODE.parent / name for name in _ITS_HELPERS)])
    described = {
        "source": [type(source).__name__, repr(source), source.version, source.fingerprint()],
        "settings": settings.model_dump(mode="json"),
        "code": [sha256_hex(path.read_bytes()) for path in code],
        "libraries": [
            library_versions(),
            segmentation.installed(),
            platform.python_version(),
            unicodedata.unidata_version,
        ],
    }
    return sha256_hex(canonical_json(described))


def earlier_result(folder: Path, inputs: str) -> CorpusManifest | None:
    """Return the manifest of the corpus in `folder` if it came from these inputs and its files are whole."""
    try:
        note = json.loads(_note(folder).read_bytes())
        manifest = CorpusManifest.load_whole(folder)
        if note != {"inputs": inputs, "corpus_hash": manifest.corpus_hash}:
            return None
    except (OSError, ValueError):
        # No note, or not the corpus it speaks of: preparing again is always right.
        return None
    return manifest


def remember(folder: Path, inputs: str, manifest: CorpusManifest) -> None:
    """Note beside the folder what its corpus came from. It is not of the corpus: another machine need not care."""
    try:
        _note(folder).write_bytes(canonical_json({"inputs": inputs, "corpus_hash": manifest.corpus_hash}))
    except OSError as error:
        raise CorpusError(f"{_note(folder)} cannot be written: {error.strerror}") from None


def _note(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.inputs.json")
