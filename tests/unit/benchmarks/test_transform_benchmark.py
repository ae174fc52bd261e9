from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.transform import made_up
from explore.documents import CountedDocuments


def test_made_up_documents_have_ids_of_their_own_and_the_counts_of_documents_that_say_something() -> None:
    counts = csr_matrix(np.array([[1, 0, 2], [0, 0, 0], [0, 3, 0]], dtype=np.float32))
    known = CountedDocuments(["a", "b", "c"], ["", "", ""], counts, "c" * 64, "v" * 64)

    one, again = made_up(known, 1000), made_up(known, 1000)

    assert len(set(one.ids)) == 1000
    assert one.is_known.all()
    assert {tuple(row) for row in one.counts.toarray()} == {(1, 0, 2), (0, 3, 0)}
    assert (one.counts != again.counts).nnz == 0
