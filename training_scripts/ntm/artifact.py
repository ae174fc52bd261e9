"""The model folder: params.npz, model.json and vocab.txt. Standard library and NumPy only: the server reads it."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

SCHEMA_VERSION: Final = 1
PARAMS_FILE: Final = "params.npz"
MODEL_FILE: Final = "model.json"
VOCABULARY_FILE: Final = "vocab.txt"
ARCHIVE: Final = "model.tar.gz"

Arrays = dict[str, npt.NDArray[np.float32]]
Document = dict[str, Any]
"""model.json, as written: see docs/ntm.md for its keys."""


class ArtifactError(Exception):
    """A model folder that cannot be served. The message is one sentence."""


class Artifact(NamedTuple):
    """A trained model as it lies on disk."""

    arrays: Arrays
    document: Document


def content_version(arrays: Arrays) -> str:
    """Return a name for a model that no training job has named: the first 16 hex digits of its content's SHA-256."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()[:16]


def vocabulary_bytes(words: list[str]) -> bytes:
    """Return vocab.txt: one word a line in id order."""
    return "".join(f"{word}\n" for word in words).encode("utf-8")


def vocabulary_hash(words: list[str]) -> str:
    """Return the SHA-256 of vocab.txt's bytes: the name a vocabulary has in corpus.json."""
    return hashlib.sha256(vocabulary_bytes(words)).hexdigest()


def write(folder: Path, arrays: Arrays, document: Document, words: list[str] | None) -> None:
    """Write the model folder; model.json last, so that a folder with it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PARAMS_FILE).open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # its stub takes the keywords for its own
    if words is not None:
        (folder / VOCABULARY_FILE).write_bytes(vocabulary_bytes(words))
    text = json.dumps({"schema_version": SCHEMA_VERSION, **document}, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / MODEL_FILE).write_text(text + "\n", encoding="utf-8")


def read(folder: Path) -> Artifact:
    """Return the model in `folder`.

    Raises:
        ArtifactError: a file is missing, damaged, or of a schema that this program does not know.
    """
    try:
        document = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        if document.get("schema_version") != SCHEMA_VERSION:
            raise ArtifactError(
                f"{folder / MODEL_FILE} has schema_version {document.get('schema_version')!r}, "
                f"where this server reads {SCHEMA_VERSION}"
            )
        with np.load(folder / PARAMS_FILE, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise ArtifactError(f"{folder} holds no {Path(error.filename).name}: it is no model of the open NTM") from error
    except (ValueError, OSError) as error:
        raise ArtifactError(f"the model in {folder} is damaged: {error}") from error
    return Artifact(arrays, document)


def tar(folder: Path, target: Path) -> None:
    """Pack the model folder into `target` (model.tar.gz) as SageMaker does: the files at the archive's root."""
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file() and path != target:
                archive.add(path, arcname=path.name)
