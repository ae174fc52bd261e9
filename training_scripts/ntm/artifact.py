"""The model folder: params.npz, model.json and vocab.txt. Standard library and NumPy only: the server reads it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from training_scripts.array_files import ArrayFileError, read_npz

SCHEMA_VERSION: Final = 1
PARAMS_FILE: Final = "params.npz"
MODEL_FILE: Final = "model.json"
VOCABULARY_FILE: Final = "vocab.txt"
ARCHIVE: Final = "model.tar.gz"
MODEL_FILE_BYTES_MAX: Final = 32 << 20
VOCABULARY_FILE_BYTES_MAX: Final = 256 << 20
NAMES: Final = ("model_version", "corpus_hash", "vocabulary_hash")
"""The strings of model.json that every answer's header carries; the last two may be null."""
_NAME: Final = re.compile(r"[A-Za-z0-9._:/+@-]{1,256}")
"""What a job's name and a hash are made of: nothing that ends a header, or one of the header's fields."""

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
        ArtifactError: a file is missing, damaged, of a schema that this program does not know, or not of the others.
    """
    try:
        document = _document(folder / MODEL_FILE)
        arrays = read_npz(folder / PARAMS_FILE)
        vocabulary = folder / VOCABULARY_FILE
        if vocabulary.is_file():
            _check_vocabulary(_content(vocabulary, VOCABULARY_FILE_BYTES_MAX), document)
    except FileNotFoundError as error:
        raise ArtifactError(f"{folder} holds no {Path(error.filename).name}: it is no model of the open NTM") from None
    except (ArrayFileError, OSError, RecursionError, ValueError) as error:
        raise ArtifactError(f"the model in {folder} is damaged: {error}") from None
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ArtifactError(f"array {name[:80]!r} of the model in {folder} has what is no finite real number")
    return Artifact(dict(arrays), document)


def _document(file: Path) -> Document:
    document = json.loads(_content(file, MODEL_FILE_BYTES_MAX))
    if not isinstance(document, dict):
        raise ArtifactError(f"{file} holds no JSON object")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise ArtifactError(
            f"{file} has schema_version {str(document.get('schema_version'))[:40]!r}, "
            f"where this server reads {SCHEMA_VERSION}"
        )
    for name in NAMES:
        value = document.get(name)
        if (value is None and name != NAMES[0]) or (isinstance(value, str) and _NAME.fullmatch(value)):
            continue
        raise ArtifactError(
            f"{file} has a {name} of {str(value)[:80]!r}, where 1 to 256 letters, digits and ._:/+@- are allowed"
        )
    for name in ("feature_dim", "num_topics"):
        value = document.get(name)
        if type(value) is not int or value < 1:
            raise ArtifactError(f"{file} has a {name} of {str(value)[:80]!r}, where a number of 1 or more is needed")
    return document


def _content(file: Path, most: int) -> bytes:
    size = file.stat().st_size
    if size > most:
        raise ArtifactError(f"{file} has {size} bytes, where at most {most} are read")
    return file.read_bytes()


def _check_vocabulary(content: bytes, document: Document) -> None:
    words = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
    if words != document["feature_dim"]:
        raise ArtifactError(f"{VOCABULARY_FILE} has {words} words, where {MODEL_FILE} says {document['feature_dim']}")
    named = document.get("vocabulary_hash")
    if named is not None and hashlib.sha256(content).hexdigest() != named:
        raise ArtifactError(f"{VOCABULARY_FILE} is not the vocabulary whose hash {MODEL_FILE} has, {named}")
