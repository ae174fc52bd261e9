"""What is fitted for judges: documents of OCTIS's tables, and no fit twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.judgement import fits


def test_every_nth_row_of_a_large_table_becomes_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "MOST_DOCUMENTS", 3)
    table = tmp_path / "corpus.tsv"
    table.write_text("".join(f'word"{n}\ttrain\tlabel {n}\n' for n in range(5)))

    fits.write_documents(table, tmp_path / "made" / "documents.jsonl")

    written = [json.loads(line) for line in (tmp_path / "made" / "documents.jsonl").read_text().splitlines()]
    assert written == [{"text": f'word"{n}', "label": f"label {n}"} for n in (0, 2, 4)]


def test_the_fits_of_an_earlier_run_are_known(tmp_path: Path) -> None:
    results = tmp_path / "fits.jsonl"
    results.write_text(json.dumps({"corpus": "M10", "model": "NMF", "seed": 1, "topics": 30, "words": [["a"]]}) + "\n")

    assert list(fits.known(results)) == [fits.Fit("M10", "NMF", 1, 30)]
