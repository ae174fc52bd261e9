"""Reads and writes records with the SageMaker SDK and Google's protobuf; runs in .venv-sdk, without our code.

    python sdk_records.py read FILE     prints the records as JSON
    python sdk_records.py write FILE    writes the records given as JSON on stdin

The message is built from its published schema, since sagemaker 3 brings the RecordIO framing but no Record: there
`read_records` and both writers of tensors raise NotImplementedError. Where `read_records` works, it is what reads.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# By name, since the environment that checks the types has neither.
descriptor_pb2: Any = import_module("google.protobuf.descriptor_pb2")
descriptor_pool: Any = import_module("google.protobuf.descriptor_pool")
message_factory: Any = import_module("google.protobuf.message_factory")
utils: Any = import_module("sagemaker.core.serializers.utils")

REPEATED, OPTIONAL = 3, 1
DOUBLE, FLOAT, UINT64, INT32, STRING, MESSAGE, BYTES = 1, 2, 4, 5, 9, 11, 12
TENSORS = {"Float32Tensor": FLOAT, "Float64Tensor": DOUBLE, "Int32Tensor": INT32}


def record_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
    for name, kind in TENSORS.items():
        tensor = file.message_type.add(name=name)
        for number, field, of in ((1, "values", kind), (2, "keys", UINT64), (3, "shape", UINT64)):
            tensor.field.add(name=field, number=number, label=REPEATED, type=of).options.packed = True
    raw = file.message_type.add(name="Bytes")
    raw.field.add(name="value", number=1, label=REPEATED, type=BYTES)
    raw.field.add(name="content_type", number=2, label=OPTIONAL, type=STRING)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for number, field, tensor_type in (
        (2, "float32_tensor", "Float32Tensor"),
        (3, "float64_tensor", "Float64Tensor"),
        (7, "int32_tensor", "Int32Tensor"),
        (9, "bytes", "Bytes"),
    ):
        value.field.add(
            name=field,
            number=number,
            label=OPTIONAL,
            type=MESSAGE,
            type_name=f".aialgs.data.{tensor_type}",
            oneof_index=0,
        )
    record = file.message_type.add(name="Record")
    for number, field in ((1, "features"), (2, "label")):
        entry = record.nested_type.add(name=f"{field.capitalize()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=OPTIONAL, type=STRING)
        entry.field.add(name="value", number=2, label=OPTIONAL, type=MESSAGE, type_name=".aialgs.data.Value")
        type_name = f".aialgs.data.Record.{entry.name}"
        record.field.add(name=field, number=number, label=REPEATED, type=MESSAGE, type_name=type_name)
    for number, field in ((3, "uid"), (4, "metadata"), (5, "configuration")):
        record.field.add(name=field, number=number, label=OPTIONAL, type=STRING)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


def read(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as stream:
        try:
            records = utils.read_records(stream)
        except NotImplementedError:
            records = [record_class().FromString(payload) for payload in utils.read_recordio(stream)]
    found = []
    for record in records:
        (name,) = record.features
        tensor = getattr(record.features[name], record.features[name].WhichOneof("value"))
        found.append(
            {
                "feature": name,
                "tensor": record.features[name].WhichOneof("value"),
                **{field: list(getattr(tensor, field)) for field in ("values", "keys", "shape")},
            }
        )
    return found


def write(path: Path, records: list[dict[str, Any]]) -> None:
    cls = record_class()
    with path.open("wb") as stream:
        for described in records:
            record = cls()
            tensor = getattr(record.features[described["feature"]], described["tensor"])
            for field in ("values", "keys", "shape"):
                getattr(tensor, field).extend(described[field])
            record.label["values"].float32_tensor.values.append(1.0)
            utils._write_recordio(stream, record.SerializeToString())


if __name__ == "__main__":
    if sys.argv[1] == "read":
        json.dump(read(Path(sys.argv[2])), sys.stdout)
    else:
        write(Path(sys.argv[2]), json.load(sys.stdin))
