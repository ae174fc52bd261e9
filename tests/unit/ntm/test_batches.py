from __future__ import annotations

import itertools
import resource
import signal
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, vstack

from training_scripts.ntm.reading import documents, spool
from training_scripts.ntm.reading.batches import BatchShape, Chunk, pack
from training_scripts.ntm.reading.documents import Documents, thinned
from training_scripts.ntm.weighting import INPUT_NORM, inverse_document_frequency, weigh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORDS = 12
rows = st.lists(st.lists(st.integers(0, 3), min_size=WORDS, max_size=WORDS), min_size=1, max_size=40)


def unpacked(chunks: list[Chunk]) -> list[list[float]]:
    """The dense documents that the chunks hold, in their order."""
    found = []
    for chunk in chunks:
        for step, number in enumerate(chunk.documents):
            dense = np.zeros((chunk.lengths.shape[1], WORDS))
            np.add.at(dense, (chunk.rows[step], chunk.words[step]), chunk.counts[step])
            np.testing.assert_allclose(dense.sum(axis=1), chunk.lengths[step])
            assert not dense[number:].any()
            found += dense[:number].tolist()
    return found


class Channel:
    """Counts how often it is read."""

    def __init__(self, counts: csr_matrix) -> None:
        self.counts, self.passes = counts, 0

    def read(self) -> Iterator[csr_matrix]:
        self.passes += 1
        yield from (self.counts[first : first + 7] for first in range(0, self.counts.shape[0], 7))


def load(counts: csr_matrix, *, max_memory_mb: int = 64) -> Documents:
    return Documents.load(Channel(counts).read, feature_dim=WORDS, max_memory_mb=max_memory_mb, seed=0)


@given(rows, st.integers(1, 9), st.integers(WORDS, 3 * WORDS), st.integers(1, 5))
def test_packing_keeps_every_document_once_and_in_order(
    dense: list[list[int]], size: int, capacity: int, steps: int
) -> None:
    counts = csr_matrix(np.array(dense, np.float32))

    chunks = list(pack(counts, weigh(counts, None), BatchShape(steps, size, capacity)))

    assert unpacked(chunks) == dense
    assert {chunk.counts.shape for chunk in chunks} == {(steps, capacity)}


@given(rows)
def test_an_epoch_is_a_permutation_of_the_documents_that_hold_a_word(dense: list[list[int]]) -> None:
    loaded = load(csr_matrix(np.array(dense, np.float32)))
    filled = [row for row in dense if any(row)]

    chunks = list(loaded.shuffled(loaded.shape(4), None, np.random.default_rng(0)))

    assert sorted(unpacked(chunks)) == sorted(filled)
    assert loaded.statistics.empty == len(dense) - len(filled)


def random_counts(documents_: int) -> csr_matrix:
    return csr_matrix(np.random.default_rng(5).poisson(0.8, (documents_, WORDS)).astype(np.float32))


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> Documents:
    """A channel whose documents do not fit into the memory allowed."""
    return load_streamed(Channel(random_counts(500)), monkeypatch)


def load_streamed(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> Documents:
    monkeypatch.setattr(documents, "_MEGABYTE", 256)
    return Documents.load(channel.read, feature_dim=WORDS, max_memory_mb=16, seed=0)


def test_a_channel_that_streams_is_parsed_once_and_then_comes_from_a_scratch_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    channel = Channel(random_counts(500))

    loaded = load_streamed(channel, monkeypatch)
    epochs = [vstack(list(loaded.blocks())) for _ in range(3)]

    assert channel.passes == 1
    assert loaded.scratch_bytes == 8 * loaded.statistics.nonzeros + 8 * (500 + sum(1 for _ in channel.read()))
    filled = channel.counts[np.diff(channel.counts.indptr) > 0].toarray()
    for epoch in epochs:
        np.testing.assert_array_equal(epoch.toarray(), filled)
    # The file has no name: nothing is left when the process is killed.
    assert not list(tmp_path.iterdir())


def test_two_passes_over_a_scratch_file_may_be_under_way_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_streamed(Channel(random_counts(500)), monkeypatch)

    pairs = list(zip(loaded.blocks(), loaded.blocks(), strict=True))

    assert len(pairs) > 1
    for one, other in pairs:
        np.testing.assert_array_equal(one.toarray(), other.toarray())


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Bounds the bytes that a file of this process may grow to, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("short", [1, 100, 10_000, 38_000])
def test_where_the_disk_has_no_room_the_channel_is_read_again_each_epoch(
    short: int, monkeypatch: pytest.MonkeyPatch, limited: Callable[[int], None]
) -> None:
    channel = Channel(random_counts(500))
    whole = load_streamed(channel, monkeypatch).scratch_bytes
    channel.passes = 0

    limited(max(whole - short, 0))
    loaded = load_streamed(channel, monkeypatch)
    epochs = [vstack(list(loaded.blocks())).toarray() for _ in range(2)]

    assert loaded.streams
    assert loaded.scratch_bytes == 0
    assert channel.passes == 1 + len(epochs)
    np.testing.assert_array_equal(epochs[0], channel.counts[np.diff(channel.counts.indptr) > 0].toarray())


def test_some_of_the_disk_is_left_to_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "RESERVE_BYTES", 1 << 62)

    assert load_streamed(Channel(random_counts(500)), monkeypatch).scratch_bytes == 0


def test_documents_of_no_word_come_through_a_scratch_file(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = random_counts(500)
    counts.data[counts.indptr[100] : counts.indptr[150]] = 0
    counts.eliminate_zeros()

    loaded = load_streamed(Channel(counts), monkeypatch)

    assert loaded.scratch_bytes > 0
    np.testing.assert_array_equal(vstack(list(loaded.blocks())).toarray(), counts[np.diff(counts.indptr) > 0].toarray())


def test_where_no_file_can_be_opened_the_channel_is_read_again_each_epoch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    channel = Channel(random_counts(500))

    loaded = load_streamed(channel, monkeypatch)

    assert list(loaded.blocks())
    assert channel.passes == 2


def test_a_channel_that_does_not_fit_streams_and_tells_the_same(streamed: Documents) -> None:
    resident = load(random_counts(500), max_memory_mb=10_000)

    assert streamed.streams
    assert not resident.streams
    for name in ("documents", "empty", "nonzeros", "squared", "longest"):
        assert getattr(streamed.statistics, name) == getattr(resident.statistics, name)
    np.testing.assert_array_equal(streamed.statistics.document_frequency, resident.statistics.document_frequency)
    in_order = [list(source.in_order(source.shape(16), None)) for source in (streamed, resident)]
    assert unpacked(in_order[0]) == unpacked(in_order[1])


def test_a_streamed_epoch_holds_every_document_once(streamed: Documents) -> None:
    chunks = list(streamed.shuffled(streamed.shape(16), None, np.random.default_rng(0)))

    everything = [row for row in random_counts(500).toarray().tolist() if any(row)]
    assert sorted(unpacked(chunks)) == sorted(everything)


def test_a_streamed_channel_keeps_no_more_than_its_share_in_memory(streamed: Documents) -> None:
    budget = 16 * 256
    per_nonzero = 12

    assert streamed.statistics.sample.nnz * per_nonzero <= budget // 2
    assert max(window.nnz for window in streamed.blocks()) * per_nonzero <= budget // 2


def test_all_chunks_of_all_epochs_have_one_shape() -> None:
    loaded = load(random_counts(300))
    shape = loaded.shape(16)

    shapes = {
        chunk.counts.shape for epoch in range(5) for chunk in loaded.shuffled(shape, None, np.random.default_rng(epoch))
    }

    assert len(shapes) == 1


def test_sub_sample_takes_another_random_share_each_epoch() -> None:
    loaded = load(random_counts(200))
    first, second = (
        unpacked(list(loaded.shuffled(loaded.shape(16, share=0.25), None, np.random.default_rng(epoch), share=0.25)))
        for epoch in (0, 1)
    )

    assert len(first) == len(second) == documents.number_sampled(loaded.statistics.documents, 0.25)
    assert sorted(first) != sorted(second)


def test_the_smallest_share_still_takes_a_document() -> None:
    assert documents.number_sampled(200, 0.0) == 1


def test_weighted_documents_have_one_length_and_rare_words_weigh_more() -> None:
    counts = vstack([random_counts(30), csr_matrix((1, WORDS), dtype=np.float32)]).tocsr()
    idf = inverse_document_frequency(np.arange(WORDS, dtype=float) + 1, 30)

    weighted = csr_matrix((weigh(counts, idf), counts.indices, counts.indptr), shape=counts.shape).toarray()

    lengths = np.linalg.norm(weighted, axis=1)
    np.testing.assert_allclose(lengths[counts.getnnz(axis=1) > 0], INPUT_NORM, rtol=1e-5)
    assert all(earlier > later for earlier, later in itertools.pairwise(idf))


def test_thinning_takes_words_from_the_encoders_input_and_none_from_the_documents() -> None:
    counts = csr_matrix(np.random.default_rng(0).poisson(1.0, (40, WORDS)).astype(np.float32))
    loaded = load(counts)

    chunks = list(loaded.shuffled(loaded.shape(8), None, np.random.default_rng(0), least_input_share=0.25))

    seen = sum(float(chunk.inputs.sum()) for chunk in chunks)
    assert sum(float(chunk.counts.sum()) for chunk in chunks) == counts.sum()
    assert 0.5 * counts.sum() < seen < 0.75 * counts.sum()
    assert all((chunk.inputs <= chunk.counts).all() for chunk in chunks)


def test_a_document_keeps_between_the_least_share_of_its_tokens_and_all_of_them() -> None:
    counts = csr_matrix(np.full((300, WORDS), 200, np.float32))

    left = thinned(counts, 0.25, np.random.default_rng(0))

    shares = left.sum(axis=1) / counts.sum(axis=1)
    assert 0.22 < shares.min() < 0.3
    assert 0.95 < shares.max() <= 1
    assert shares.mean() == pytest.approx(0.625, abs=0.05)


def test_a_count_that_is_no_whole_number_is_thinned_to_nothing_or_left_in_parts() -> None:
    counts = csr_matrix(np.array([[0.4, 1.5] + [1.0] * (WORDS - 2)] * 400, np.float32))

    left = thinned(counts, 0.5, np.random.default_rng(0)).toarray()

    assert set(np.unique(left[:, 0])) == {np.float32(0), np.float32(0.4)}
    assert set(np.unique(left[:, 1])) == {np.float32(0), np.float32(0.75), np.float32(1.5)}


def test_the_noise_beside_a_chunk_counts_for_the_memory_that_it_may_take() -> None:
    alone, beside = (
        BatchShape.fitting(
            mini_batch_size=10,
            documents=10_000,
            nonzeros=100_000,
            squared=1e6,
            longest=20,
            max_bytes=1 << 20,
            topics=topics,
        )
        for topics in (0, 1000)
    )

    assert beside.steps < alone.steps
    assert beside.steps * beside.documents * 1000 * 4 <= 1 << 20
