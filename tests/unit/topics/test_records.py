"""The pure writer against the project's own, which is held against the SageMaker SDK elsewhere."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from training_scripts import recordio

from topics_function.reading import records

counts = st.dictionaries(st.integers(0, 299_999), st.floats(0.5, 2**24, width=32), min_size=1, max_size=60)


def written(keys: list[int], values: list[float], feature_dim: int) -> bytes:
    stream = io.BytesIO()
    row = csr_matrix((np.array(values, dtype=np.float32), keys, [0, len(keys)]), shape=(1, feature_dim))
    recordio.write_sparse(stream, row)
    return stream.getvalue()


@given(counts)
def test_records_are_byte_for_byte_those_of_the_projects_writer(counts: dict[int, float]) -> None:
    keys = sorted(counts)
    values = [counts[key] for key in keys]

    assert records.of_counts(keys, values, 300_000) == written(keys, values, 300_000)


@pytest.mark.parametrize("digits", [b"1", b"90210", b"0070", b"1234567890"])
def test_digits_are_written_as_the_counts_they_are(digits: bytes) -> None:
    keys = [key for key, digit in enumerate(digits) if digit != ord("0")]
    values = [digit - ord("0") for digit in digits if digit != ord("0")]

    made = records.of_floats(keys, records.floats_of(digits.replace(b"0", b"")), len(digits))

    assert made == records.of_counts(keys, values, len(digits))
