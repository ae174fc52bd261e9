"""The data channels of a training job: which files or pipes they are, what they hold, and how they are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from training_scripts import recordio
from training_scripts.content_types import RECORDIO_PROTOBUF, TEXT_CSV, TRAINING_CHANNEL_TYPES, media_type
from training_scripts.ntm.failure import ClientError
from training_scripts.ntm.reading import csv_counts
from training_scripts.ntm.reading.counts import CountsError, refuse_negative
from training_scripts.plain_text import PlainTextError, decoded, lines_of, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
AUXILIARY: Final = "auxiliary"

_BLOCK_NONZEROS: Final = 1 << 18
_COUNT_CHANNELS: Final = (TRAIN, VALIDATION, TEST)


@dataclass
class Channel:
    """One channel of counts. Each call of `read` is one more pass over it."""

    name: str
    folder: Path
    content_type: str
    mode: Literal["File", "Pipe"]
    feature_dim: int
    passes: int = 0

    def read(self) -> Iterator[csr_matrix]:
        """Read the channel from its start, as matrices (documents, feature_dim) of bounded size.

        Raises:
            ClientError: a file is damaged, of another width, or holds a negative count; names file, row and column.
        """
        for path in self._paths():
            yield from self._file(path)
        self.passes += 1

    def _paths(self) -> list[Path]:
        if self.mode == "Pipe":
            return [self.folder.with_name(f"{self.folder.name}_{self.passes}")]
        paths = data_files(self.folder)
        if not paths:
            raise ClientError(f"channel {self.name!r} holds no file")
        return paths

    def _file(self, path: Path) -> Iterator[csr_matrix]:
        row = 1
        try:
            with path.open("rb") as stream:
                blocks = (
                    csv_counts.iter_blocks(stream, feature_dim=self.feature_dim)
                    if self.content_type == TEXT_CSV
                    else recordio.iter_batches(stream, feature_dim=self.feature_dim, max_nonzeros=_BLOCK_NONZEROS)
                )
                for block in blocks:
                    refuse_negative(block, first_row=row)
                    block.eliminate_zeros()
                    yield block
                    row += block.shape[0]
        except (CountsError, recordio.RecordError) as error:
            raise ClientError(f"channel {self.name!r}, file {path.name!r}, {error}") from error
        except PlainTextError as error:
            raise ClientError(f"channel {self.name!r}, file {path.name!r} {error}") from error


def data_files(folder: Path) -> list[Path]:
    """Return the files of a channel, its sub-folders included, by name; hidden ones left out."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def find_channels(input_folder: Path, *, feature_dim: int, code_channel: str | None = None) -> dict[str, Channel]:
    """Return the count channels of a job by name, from inputdataconfig.json.

    Args:
        input_folder: the container's `input` folder.
        feature_dim: width that every document must have.
        code_channel: name of a channel that brought the program, and is not looked at.

    Raises:
        ClientError: no train channel, an unknown channel, or a content type that NTM does not read.
    """
    config_path = input_folder / "config" / "inputdataconfig.json"
    config = json.loads(config_path.read_text(encoding="utf-8")) if config_path.exists() else {}
    unknown = sorted(set(config) - {*_COUNT_CHANNELS, AUXILIARY, code_channel})
    if unknown:
        raise ClientError(f"channel {unknown[0]!r} is unknown; NTM takes train, validation, test and auxiliary")
    if TRAIN not in config:
        raise ClientError("the job has no 'train' channel, and NTM needs one")
    channels = {}
    for name in _COUNT_CHANNELS:
        if name not in config:
            continue
        given = config[name].get("ContentType") or RECORDIO_PROTOBUF
        content_type = media_type(given)
        if content_type not in TRAINING_CHANNEL_TYPES:
            raise ClientError(
                f"channel {name!r} has content type {given!r}, but should be {' or '.join(TRAINING_CHANNEL_TYPES)}"
            )
        _refuse_labels(name, given)
        mode: Literal["File", "Pipe"] = "Pipe" if config[name].get("TrainingInputMode") == "Pipe" else "File"
        channels[name] = Channel(name, input_folder / "data" / name, content_type, mode, feature_dim)
    return channels


def read_vocabulary(input_folder: Path, *, feature_dim: int) -> list[str] | None:
    """Return the auxiliary channel's words in id order; None without such a channel.

    Raises:
        ClientError: vocab.txt is missing, no text, or has not one line a feature.
    """
    folder = input_folder / "data" / AUXILIARY
    if not data_files(folder):
        return None
    path = folder / "vocab.txt"
    if not path.is_file():
        raise ClientError("channel 'auxiliary' has no file vocab.txt")
    try:
        with path.open("rb") as stream:
            words = [
                decoded(line, number).rstrip("\r\n") for number, line in enumerate(lines_of(opened(stream)), start=1)
            ]
    except PlainTextError as error:
        raise ClientError(f"vocab.txt {error}") from error
    if len(words) != feature_dim:
        raise ClientError(f"vocab.txt has {len(words)} words, where feature_dim is {feature_dim}")
    return words


def _refuse_labels(name: str, content_type: str) -> None:
    for parameter in content_type.split(";")[1:]:
        key, _, value = parameter.strip().partition("=")
        if key == "label_size" and value != "0":
            raise ClientError(f"channel {name!r} has label_size={value}, but NTM takes no labels: label_size=0")
