from __future__ import annotations

import json
from pathlib import Path

from training_scripts.corpus.counting import count_forms
from training_scripts.corpus.passed_over import PassedOver
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import JsonLines
from training_scripts.corpus.sources.rejected import Rejected
from training_scripts.spark import counted

FINDER = PreparationSettings().finder


def test_lines_are_decoded_as_the_encoding_says() -> None:
    line = '{"text": "grün grün"}'.encode("cp1252")

    [found] = counted.read(JsonLines(Path("a"), encoding="windows-1252"), FINDER, 1, [line])
    [refused] = counted.read(JsonLines(Path("a")), FINDER, 1, [line])

    assert isinstance(found, counted.Counted)
    assert found.forms == ("grün",)
    assert isinstance(refused, Rejected)
    assert refused.reason == "not UTF-8: byte 13 is 0xfc; name its encoding with --encoding"


def test_lines_with_nul_bytes_or_in_utf16_are_set_aside() -> None:
    lines = [b'{"text": "a\0b"}', *'{"text": "one"}\n'.encode("utf-16").split(b"\n")]

    assert all(isinstance(one, Rejected) for one in counted.read(JsonLines(Path("a")), FINDER, 1, lines))


def test_what_partitions_pass_over_adds_up_to_what_one_process_does(tmp_path: Path) -> None:
    texts = ["é", "bread é y butter", "我爱北京天安门我爱北京天安门", "oats ok", "w x", "one two three"] * 2
    records = [json.dumps({"text": text, "id": f"{number}"}) for number, text in enumerate(texts)]
    (tmp_path / "a.jsonl").write_text("\n".join(records), encoding="utf-8")
    source = JsonLines(tmp_path / "a.jsonl", id_field="id")
    finder = PreparationSettings(segmentation="no").finder
    alone = PassedOver()
    count_forms(
        source.documents(),
        finder=finder,
        least_words=2,
        repeated_sentences=0,
        has_ids=True,
        progress=Progress("a"),
        passed=alone,
    )

    found = PassedOver()
    for partition in (records[:5], records[5:]):
        lines = counted.read(source, finder, 2, (record.encode() for record in partition))
        found.add(counted.passed_over(line for line in lines if isinstance(line, counted.Counted)))

    sentences = list(found.sentences())
    assert sentences == list(alone.sentences())
    assert sentences[:2] == [
        "6 documents of too few words: '0', '2', '4', …",
        "2 documents in which nothing parts words, counted as they are: '2', '8'",
    ]
    assert sentences[2].startswith("10 words of one letter, too short to count: é (4)")
