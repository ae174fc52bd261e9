"""Which of the project's files travel to the containers. Standard library only, since synth asks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from training_scripts.script_mode import layout
from training_scripts.versions import canonical_json, sha256_hex

if TYPE_CHECKING:
    from training_scripts.script_mode.manifest import Processor

_ROOT: Final = Path(__file__).resolve().parents[2]
_PACKAGE: Final = _ROOT / layout.PACKAGE
_MODULES: Final = (
    "__init__.py",
    "archives.py",
    "array_files.py",
    "content_types.py",
    "hyperparameters.py",
    "mxnet_arrays.py",
    "ntm_environment.py",
    "one_thread.py",
    "plain_text.py",
    "protobuf_wire.py",
    "record_message.py",
    "recordio.py",
    "train.py",
    "unique_members.py",
    "versions.py",
)
_FOLDERS: Final = ("ntm", "ntm/reading", "ntm/learning", "ntm/serving", "script_mode")
_SPARK_MODULES: Final = (
    "__init__.py",
    "plain_text.py",
    "protobuf_wire.py",
    "record_message.py",
    "recordio.py",
    "text_records.py",
    "unique_members.py",
    "versions.py",
)
_SPARK_FOLDERS: Final = ("corpus", "corpus/reading", "corpus/sources", "script_mode", "spark")
_ENTRY: Final = _PACKAGE / "script_mode" / "entry"


def files(processor: Processor = "cpu") -> dict[str, Path]:
    """Return the files by their path in the bundle: the package, and what each container starts."""
    spark = processor == "spark"
    found = {f"{layout.PACKAGE}/{name}": _PACKAGE / name for name in (_SPARK_MODULES if spark else _MODULES)}
    for folder in _SPARK_FOLDERS if spark else _FOLDERS:
        for path in sorted([*(_PACKAGE / folder).glob("*.py"), *(_PACKAGE / folder).glob("*.json")]):
            found[f"{layout.PACKAGE}/{folder}/{path.name}"] = path
    if spark:
        found[layout.SPARK_PROGRAM] = _ENTRY / layout.SPARK_PROGRAM
        return found
    found[layout.TRAINING_PROGRAM] = _ENTRY / layout.TRAINING_PROGRAM
    found[f"{layout.SERVING_FOLDER}/{layout.SERVING_PROGRAM}"] = _ENTRY / layout.SERVING_PROGRAM
    return found


def code_hash(processor: Processor = "cpu") -> str:
    """Return the version of these files: one that is changed makes another bundle, and asks for a training."""
    return sha256_hex(canonical_json({name: sha256_hex(path.read_bytes()) for name, path in files(processor).items()}))
