"""`corpus.json`: what a prepared corpus says of itself, and where its files are.

Pydantic and the standard library only, since synth imports this.
"""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from training_scripts.corpus.errors import CorpusError
from training_scripts.versions import canonical_json, sha256_hex

SCHEMA_VERSION: Final = 1
DEFAULT_FOLDER = Path("build/corpus")
MANIFEST_NAME = "corpus.json"
VOCABULARY_PATH = "auxiliary/vocab.txt"
SURFACE_FORMS_PATH = "vocabulary/surface_forms.json"
PREPARE_COMMAND = "python -m training_scripts.prepare"
MAX_MANIFEST_BYTES = 200_000
_EXAMPLES: Final = 3

Part: TypeAlias = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]


def shard_path(part: Part, number: int) -> str:
    """Return the path of a shard of records; `number` counts from 0."""
    return f"{part}/part-{number:05d}.pbr"


def labels_path(part: Part) -> str:
    """Return the path of the ids and labels of a part, in record order over its shards."""
    return f"labels/{part}.csv"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DocumentCounts(_Frozen):
    """How many documents each part holds, and how many were left out, by reason."""

    train: AtLeastOne
    validation: AtLeastOne
    test: AtLeastOne
    dropped_short: Count
    dropped_without_vocabulary: Count
    dropped_duplicate: Count


class ShardCounts(_Frozen):
    """How many files of records each part is in."""

    train: AtLeastOne
    validation: AtLeastOne
    test: AtLeastOne


class TokenCounts(_Frozen):
    """Words of the documents that are in the corpus: all, those in the vocabulary, and the distinct forms of each."""

    total: Count
    in_vocabulary: Count
    forms: Count
    forms_in_vocabulary: Count


class RepeatedSentences(_Frozen):
    """What was left out of documents, as others repeat it: sentences that lost words, and the words."""

    sentences: Count
    words: Count


class SourceDescription(_Frozen):
    """Where the documents came from."""

    name: str
    version: str
    licence: str


class FileDescription(_Frozen):
    """One file of the corpus; `records` is None for a file that holds no records."""

    sha256: Sha256
    bytes: Count
    records: Count | None = None


class CorpusManifest(_Frozen):
    """The contents of `corpus.json`.

    `corpus_hash` is the corpus's version: it covers everything else that is here, and with the files' own hashes every
    byte of the folder. `vocabulary_hash` is that of `auxiliary/vocab.txt`.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    corpus_hash: Sha256
    vocabulary_hash: Sha256
    feature_dim: Annotated[int, Field(ge=2)]
    language: str
    documents: DocumentCounts
    shards: ShardCounts
    tokens: TokenCounts
    repeated: RepeatedSentences | None = None
    """None in a corpus of before sentences were compared."""
    source: SourceDescription
    settings: dict[str, JsonValue]
    files: dict[str, FileDescription]

    @model_validator(mode="after")
    def _is_whole(self) -> CorpusManifest:
        if (computed := hash_of_contents(self.model_dump(mode="json"))) != self.corpus_hash:
            raise ValueError(f"corpus_hash is {self.corpus_hash}, where its contents give {computed}")
        expected = {VOCABULARY_PATH, SURFACE_FORMS_PATH, *map(labels_path, PARTS)}
        expected |= {shard_path(part, number) for part in PARTS for number in range(getattr(self.shards, part))}
        if missing := sorted(expected - self.files.keys()):
            raise ValueError(f"files lacks {missing[0]}")
        for path in self.files:
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
                raise ValueError(f"files names {path}, which is outside the corpus")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_newer(self, serialized: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        contents: dict[str, JsonValue] = serialized(self)
        # An older manifest's hash is of what it has.
        return {name: value for name, value in contents.items() if name != "repeated" or value is not None}

    @classmethod
    def describing(cls, **contents: object) -> CorpusManifest:
        """Return the manifest of these contents (all but the corpus hash, which is computed here)."""
        unhashed = cls.model_construct(corpus_hash="", **contents).model_dump(mode="json")  # type: ignore[arg-type]
        return cls.model_validate({**unhashed, "corpus_hash": hash_of_contents(unhashed)})

    @classmethod
    def load(cls, folder: Path) -> CorpusManifest:
        """Read the manifest of the corpus in `folder`.

        Raises:
            CorpusError: there is none (the sentence says which command makes one), or it is not what it should be.
        """
        path = folder / MANIFEST_NAME
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise CorpusError(f"{folder} holds no prepared corpus: make one with `{PREPARE_COMMAND}`") from None
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror}") from None
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CorpusError(f"{path} is no corpus manifest{where and f' at {where}'}: {first['msg']}") from None

    @classmethod
    def load_whole(cls, folder: Path) -> CorpusManifest:
        """Read the manifest of the corpus in `folder`, and compare every file with it; errors as of both."""
        manifest = cls.load(folder)
        manifest.check_files(folder)
        return manifest

    def encoded(self) -> bytes:
        """Return the bytes of `corpus.json`."""
        return (json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()

    def check_files(self, folder: Path) -> None:
        """Compare every file of the corpus in `folder` with its description.

        Raises:
            CorpusError: a file is missing, or has other bytes.
        """
        for path in self.files:
            self.read(folder, path)

    def read(self, folder: Path, path: str) -> bytes:
        """Return the bytes of one file of the corpus in `folder`, which are those that the manifest describes.

        Raises:
            CorpusError: the file is missing, is no regular file, or has other bytes.
        """
        file, described = folder / path, self.files[path]
        try:
            if file.exists() and not file.is_file():
                # A pipe of that name would be waited for without end.
                raise CorpusError(f"{file} is no regular file")
            content = file.read_bytes()
        except OSError as error:
            raise CorpusError(f"{file} cannot be read: {error.strerror}") from None
        if len(content) != described.bytes or sha256_hex(content) != described.sha256:
            raise CorpusError(f"{file} has other bytes than {MANIFEST_NAME} says")
        return content

    def of_channel(self, channel: str) -> list[str]:
        """Return the paths of the files that a training job reads as one channel, by name."""
        return sorted(path for path in self.files if path.startswith(f"{channel}/"))

    def left_aside(self, folder: Path) -> str | None:
        """Return a sentence on what lies in `folder` and is not of the corpus; None where there is nothing such.

        Links are not followed; a folder of nothing but folders is nothing.
        """
        folders = {parent.as_posix() for path in self.files for parent in PurePosixPath(path).parents}
        strange = sorted(_names_in(folder) - {*self.files, MANIFEST_NAME} - folders)
        if not strange:
            return None
        shown = ", ".join(name if name.isprintable() else ascii(name) for name in strange[:_EXAMPLES])
        count = "1 file" if len(strange) == 1 else f"{len(strange)} files"
        more = ", …" if len(strange) > _EXAMPLES else ""
        return f"{folder} holds {count} that {MANIFEST_NAME} does not name, left aside: {shown}{more}"


def _names_in(folder: Path) -> set[str]:
    """Return the paths of files, links and folders that cannot be read, relative to `folder`."""
    unreadable: list[OSError] = []
    paths: list[Path] = []
    for parent, subfolders, files in os.walk(folder, onerror=unreadable.append):
        links = (name for name in subfolders if Path(parent, name).is_symlink())
        paths += [Path(parent, name) for name in [*files, *links]]
    paths += [Path(error.filename) for error in unreadable]
    return {path.relative_to(folder).as_posix() for path in paths}


def hash_of_contents(contents: dict[str, JsonValue]) -> str:
    """Return the corpus hash of a manifest's contents: of the canonical JSON of all but the hash itself."""
    return sha256_hex(canonical_json({name: value for name, value in contents.items() if name != "corpus_hash"}))
