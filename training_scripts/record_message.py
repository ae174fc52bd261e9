"""The protobuf message `aialgs.data.Record`, in which SageMaker's algorithms take a row of numbers.

    Record         { map<string, Value> features = 1; map<string, Value> label = 2; ... }
    Value          { oneof { Float32Tensor = 2; Float64Tensor = 3; Int32Tensor = 7; Bytes = 9 } }
    Float32Tensor  { repeated float values = 1; repeated uint64 keys = 2; repeated uint64 shape = 3 }   (all packed)

The feature is called "values". A dense record has values alone; a sparse one has a key for every value, and the width
of the row as its shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix

from training_scripts.protobuf_wire import (
    DELIMITED,
    FIXED32,
    FIXED64,
    MORE,
    VARINT,
    Encoded,
    WireError,
    decoded_varints,
    delimited,
    fields,
    varint,
    varints,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

MAX_FEATURE_DIM = (1 << 31) - 1
"""Column numbers are held in 32 bits."""
FEATURE = b"values"

Kind: TypeAlias = Literal["float32", "float64", "int32"]
_TENSORS: dict[int, Kind] = {2: "float32", 3: "float64", 7: "int32"}
_BYTES_VALUE = 9
_MAP_KEY, _MAP_VALUE = 1, 2
_FEATURES = 1
_TENSOR_FIELDS = {1: "values", 2: "keys", 3: "shape"}
_LEAST_BYTES: dict[Kind, int] = {"float32": 4, "float64": 8, "int32": 1}
_UNPACKED_WIRE: dict[Kind, int] = {"float32": FIXED32, "float64": FIXED64, "int32": VARINT}
_FEATURE_TAG, _LABEL_TAG = b"\x0a", b"\x12"
_FEATURE_KEY = delimited(b"\x0a", FEATURE)


class MessageError(ValueError):
    """A message that is no row of the width asked for. `row` counts from 0 within what was to be decoded together."""

    def __init__(self, code: str, detail: str, row: int = 0) -> None:
        super().__init__(detail)
        self.code = code
        self.row = row


def encode_sparse(rows: csr_matrix) -> Iterator[bytes]:
    """Yield one sparse message a row: float32 values, their columns as keys, the width as shape.

    Raises:
        ValueError: a value is not finite, or there are no columns.
    """
    matrix = csr_matrix(rows)
    if not matrix.has_canonical_format:
        # A copy, since the arrays are the caller's.
        matrix = matrix.copy()
        matrix.sum_duplicates()
    _check_writable_width(int(matrix.shape[1]))
    value_bytes = _finite_float32(matrix.data).tobytes()
    value_offsets = (matrix.indptr.astype(np.int64) * 4).tolist()
    keys, key_ends = varints(matrix.indices.astype(np.uint64))
    key_offsets = np.concatenate(([0], key_ends))[matrix.indptr].tolist()
    shape = delimited(b"\x1a", varint(int(matrix.shape[1])))
    for row in range(matrix.shape[0]):
        first, last = value_offsets[row], value_offsets[row + 1]
        tensor = shape
        if first < last:
            row_keys = keys[key_offsets[row] : key_offsets[row + 1]]
            tensor = delimited(b"\x0a", value_bytes[first:last]) + delimited(b"\x12", row_keys) + shape
        yield _entry(_FEATURE_TAG, _FEATURE_KEY, tensor)


def encode_dense(rows: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> Iterator[bytes]:
    """Yield one dense float32 message a row of `rows`, shape (documents, feature_dim); raises as `encode_sparse`."""
    for row in _dense(rows):
        yield _entry(_FEATURE_TAG, _FEATURE_KEY, row)


def encode_labels(name: str, rows: npt.NDArray[np.floating]) -> Iterator[bytes]:
    """Yield one message a row of `rows` that has the row as its label `name`; raises as `encode_sparse`."""
    for row in _dense(rows):
        yield _entry(_LABEL_TAG, delimited(b"\x0a", name.encode()), row)


def _dense(rows: npt.NDArray[np.floating] | npt.NDArray[np.integer]) -> Iterator[bytes]:
    if rows.ndim != 2:  # noqa: PLR2004 -- a matrix
        raise ValueError(f"rows have {rows.ndim} dimensions, where a matrix has 2")
    _check_writable_width(rows.shape[1])
    for row in _finite_float32(rows):
        yield delimited(b"\x0a", row.tobytes())


def _check_writable_width(width: int) -> None:
    if not 0 < width <= MAX_FEATURE_DIM:
        raise ValueError(f"a row has {width} columns, where 1 to {MAX_FEATURE_DIM} can be written")


def _finite_float32(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        narrowed = values.astype("<f4")
    if not np.isfinite(narrowed).all():
        raise ValueError("a value is not a finite 32-bit number")
    return narrowed


def _entry(tag: bytes, key: bytes, tensor: bytes) -> bytes:
    return delimited(tag, key + delimited(b"\x12", delimited(b"\x12", tensor)))


@dataclass(slots=True)
class Tensor:
    """The tensor of one record, its fields still encoded."""

    kind: Kind
    values: Encoded = field(default=b"")
    keys: Encoded = field(default=b"")
    shape: Encoded = field(default=b"")

    @property
    def is_sparse(self) -> bool:
        """Whether it gives its columns; an empty one with a shape is taken for a sparse row of zeros."""
        return bool(self.keys) or (bool(self.shape) and not self.values)

    @property
    def most_values(self) -> int:
        """Upper bound of the number of values; exact for the fixed-size kinds."""
        return len(self.values) // _LEAST_BYTES[self.kind]


def parse(payload: memoryview) -> Tensor:
    """Return the tensor of the feature "values"; unknown fields, other features and labels are passed over.

    Raises:
        WireError: the message is damaged.
        MessageError: `missing_values` or `not_a_tensor`.
    """
    found: memoryview | None = None
    for number, _, content in fields(payload):
        if number != _FEATURES:
            continue
        name, value = b"", memoryview(b"")
        for entry_number, _, entry in fields(_message(content)):
            if entry_number == _MAP_KEY:
                name = bytes(_message(entry))
            elif entry_number == _MAP_VALUE:
                value = _message(entry)
        if name == FEATURE:
            found = value
    if found is None:
        raise MessageError("missing_values", 'it has no feature called "values"')
    return _tensor(found)


def _tensor(value: memoryview) -> Tensor:
    tensor: Tensor | None = None
    for number, _, content in fields(value):
        if number == _BYTES_VALUE:
            raise MessageError("not_a_tensor", 'its "values" are raw bytes, not a tensor of numbers')
        if number not in _TENSORS:
            continue
        kind = _TENSORS[number]
        if tensor is None or tensor.kind != kind:
            tensor = Tensor(kind)
        _fill(tensor, _message(content))
    if tensor is None:
        raise MessageError("not_a_tensor", 'its "values" hold no float32, float64 or int32 tensor')
    return tensor


def _fill(tensor: Tensor, message: memoryview) -> None:
    for number, wire, content in fields(message):
        name = _TENSOR_FIELDS.get(number)
        if name is None:
            continue
        single = _UNPACKED_WIRE[tensor.kind] if name == "values" else VARINT
        if wire not in {DELIMITED, single}:
            raise WireError(f"the tensor's {name} have wire type {wire}")
        piece = content if isinstance(content, memoryview) else memoryview(varint(content))
        if single == VARINT and piece and piece[-1] >= MORE:
            raise WireError(f"the last of the tensor's {name} is cut off")
        setattr(tensor, name, _extended(getattr(tensor, name), piece))


def _extended(held: Encoded, piece: memoryview) -> Encoded:
    """`held` and `piece` together: protobuf may send a packed field in pieces, or number by number."""
    if not held:
        return piece
    joined = held if isinstance(held, bytearray) else bytearray(held)
    joined += piece
    return joined


def _message(content: memoryview | int) -> memoryview:
    if isinstance(content, int):
        raise WireError("a number stands where a message is expected")
    return content


def width_of(tensor: Tensor) -> int:
    """Return the number of columns a record says it has, or else shows by the number of its values.

    Raises:
        MessageError: `bad_shape`, `no_width` or `bad_message`.
    """
    if tensor.shape:
        try:
            shape = decoded_varints(tensor.shape)[0]
        except WireError as error:
            raise MessageError("bad_message", str(error)) from None
        # [1, width] is how some writers give the shape of a row.
        if shape.size > 2 or (shape[:-1] != 1).any() or not 0 < shape[-1] <= MAX_FEATURE_DIM:  # noqa: PLR2004
            detail = f"its shape {shape[:4].tolist()} is not that of a row of 1 to {MAX_FEATURE_DIM} columns"
            raise MessageError("bad_shape", detail)
        return int(shape[-1])
    if tensor.is_sparse or not tensor.values:
        raise MessageError("no_width", "it has no shape, so the width of its row is unknown")
    return int(_values([tensor])[1][0])


def matrix_of(tensors: list[Tensor], width: int) -> csr_matrix:
    """Decode the rows together, columns sorted in each; shape (len(tensors), width), float32.

    Raises:
        MessageError: at a row that is damaged or of another width.
    """
    values_of_runs: list[npt.NDArray[np.float32]] = []
    columns_of_runs: list[npt.NDArray[np.int32]] = []
    counts_of_runs: list[npt.NDArray[np.int64]] = []
    first = 0
    # Rows of one sort are decoded together: a call into NumPy for each would dominate.
    for (_, sparse), group in groupby(tensors, key=lambda tensor: (tensor.kind, tensor.is_sparse)):
        run = list(group)
        try:
            values, columns, counts = _decoded_run(run, width, sparse=sparse)
        except MessageError as error:
            error.row += first
            raise
        values_of_runs.append(values)
        columns_of_runs.append(columns)
        counts_of_runs.append(counts)
        first += len(run)
    data = np.concatenate(values_of_runs)
    indptr = np.concatenate([np.zeros(1, dtype=np.int64), *counts_of_runs]).cumsum()
    if not (finite := np.isfinite(data)).all():
        raise MessageError(
            "not_finite", "a value is not a finite 32-bit number", _row_of(int(np.argmin(finite)), indptr)
        )
    matrix = csr_matrix((data, np.concatenate(columns_of_runs), indptr), shape=(len(tensors), width))
    matrix.sort_indices()
    repeated = np.setdiff1d(np.flatnonzero(matrix.indices[1:] == matrix.indices[:-1]) + 1, indptr)
    if repeated.size:
        place = int(repeated[0])
        raise MessageError("duplicate_key", f"key {matrix.indices[place]} comes twice", _row_of(place, indptr))
    return matrix


def _row_of(place: int, indptr: npt.NDArray[np.int64]) -> int:
    return int(np.searchsorted(indptr, place, side="right")) - 1


def _decoded_run(
    run: list[Tensor], width: int, *, sparse: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Values, their columns, and how many each row has, of rows that are all sparse or all dense."""
    values, counts = _values(run)
    _check_widths(run, counts, width, sparse=sparse)
    if sparse:
        return values, _columns(run, counts, width), counts
    kept = values != 0
    columns = np.tile(np.arange(width, dtype=np.int32), len(run))[kept]
    return values[kept], columns, kept.reshape(len(run), width).sum(axis=1)


def _check_widths(run: list[Tensor], counts: npt.NDArray[np.int64], width: int, *, sparse: bool) -> None:
    expected_shape = varint(width)
    for row, (tensor, count) in enumerate(zip(run, counts.tolist(), strict=True)):
        columns = width
        if tensor.shape and tensor.shape != expected_shape:
            try:
                columns = width_of(tensor)
            except MessageError as error:
                raise MessageError(error.code, str(error), row) from None
        if columns == width and not sparse:
            columns = count
        if columns != width:
            raise MessageError("wrong_width", f"{columns} columns, where {width} are expected", row)


def _values(run: list[Tensor]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The values of rows of one kind, one after the other, and how many each row has."""
    kind = run[0].kind
    if kind == "int32":
        numbers, counts = _counted_varints([tensor.values for tensor in run])
        return numbers.astype(np.uint32).view(np.int32).astype(np.float32), counts
    size = _LEAST_BYTES[kind]
    lengths = np.array([len(tensor.values) for tensor in run], dtype=np.int64)
    if (lengths % size).any():
        row = int(np.argmax(lengths % size != 0))
        raise MessageError("bad_message", f"its values are not a whole number of {kind} numbers", row)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.frombuffer(b"".join(tensor.values for tensor in run), dtype=f"<f{size}").astype(np.float32)
    return values, lengths // size


def _columns(run: list[Tensor], counts: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int32]:
    keys, key_counts = _counted_varints([tensor.keys for tensor in run])
    if (key_counts != counts).any():
        row = int(np.argmax(key_counts != counts))
        raise MessageError("key_count", f"{key_counts[row]} keys for {counts[row]} values", row)
    if keys.size and int(keys.max()) >= width:
        place = int(np.argmax(keys >= width))
        row = int(np.searchsorted(counts.cumsum(), place, side="right"))
        raise MessageError("key_out_of_range", f"key {keys[place]} in a row of {width} columns", row)
    return keys.astype(np.int32)


def _counted_varints(encoded: list[Encoded]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The numbers of one packed field of each row, one after the other, and how many each row has."""
    field_ends = np.cumsum([len(row) for row in encoded])
    try:
        numbers, ends = decoded_varints(b"".join(encoded))
    except WireError as error:
        row = int(np.searchsorted(field_ends, error.offset, side="left"))
        raise MessageError("bad_message", str(error), row) from None
    return numbers, np.diff(np.searchsorted(ends, field_ends, side="right"), prepend=0)
