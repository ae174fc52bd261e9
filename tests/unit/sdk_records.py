"""Reads and writes records with the SageMaker SDK v2; runs in .venv-sdk-v2, without our code.

    python sdk_records.py read FILE     prints the records as JSON
    python sdk_records.py write FILE    writes the records given as JSON on stdin

v2, since v3 has the framing only: its `read_records` and both writers of tensors raise NotImplementedError.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# By name, since the environment that checks the types does not have it.
common: Any = import_module("sagemaker.amazon.common")
record_pb2: Any = import_module("sagemaker.amazon.record_pb2")


def read(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as stream:
        records = list(common.read_records(stream))
    found = []
    for record in records:
        part = "features" if record.features else "label"
        values = getattr(record, part)
        (name,) = values
        kind = values[name].WhichOneof("value")
        tensor = getattr(values[name], kind)
        fields = {field: list(getattr(tensor, field)) for field in ("values", "keys", "shape")}
        found.append({"part": part, "feature": name, "tensor": kind, **fields})
    return found


def write(path: Path, records: list[dict[str, Any]]) -> None:
    with path.open("wb") as stream:
        for described in records:
            record = record_pb2.Record()
            tensor = getattr(record.features[described["feature"]], described["tensor"])
            for field in ("values", "keys", "shape"):
                getattr(tensor, field).extend(described[field])
            record.label["values"].float32_tensor.values.append(1.0)
            common._write_recordio(stream, record.SerializeToString())


if __name__ == "__main__":
    if sys.argv[1] == "read":
        json.dump(read(Path(sys.argv[2])), sys.stdout)
    else:
        write(Path(sys.argv[2]), json.load(sys.stdin))
