"""Preparation on Spark: from JSON Lines anywhere that Spark reads to the corpus folder of training_scripts.corpus.

The same documents and settings give the same bytes as `python -m training_scripts.prepare jsonl`, so a corpus has the
same hash whichever way it was made.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark import StorageLevel
from pyspark.sql import SparkSession

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import stop_words_by_language
from training_scripts.corpus.manifest import (
    MANIFEST_NAME,
    PARTS,
    SURFACE_FORMS_PATH,
    VOCABULARY_PATH,
    CorpusManifest,
    DocumentCounts,
    RepeatedSentences,
    ShardCounts,
    SourceDescription,
    TokenCounts,
)
from training_scripts.corpus.preparation import check_parts, settings_told
from training_scripts.corpus.reading import segmentation
from training_scripts.corpus.sources.rejected import UNSEGMENTED, Rejected, too_many, written
from training_scripts.corpus.split import Splitter
from training_scripts.corpus.surface_forms import SurfaceForms
from training_scripts.script_mode import layout
from training_scripts.spark import copies, counted, records, repeated, report, words
from training_scripts.spark.counted import Counted
from training_scripts.spark.records import Row, Written
from training_scripts.versions import canonical_json, sha256_hex, vocabulary_hash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyspark import RDD, SparkContext

    from training_scripts.corpus.manifest import Part
    from training_scripts.corpus.passed_over import PassedOver
    from training_scripts.corpus.settings import PreparationSettings
    from training_scripts.corpus.sources import JsonLines
    from training_scripts.corpus.vocabulary import Vocabulary
    from training_scripts.spark.copies import Copies
    from training_scripts.spark.repeated import Trimmed

REPORT_NAME: Final = "report.json"
_BUNDLE: Final = f"{layout.SPARK_COMMAND} SEGMENTATION=1"


@dataclass(frozen=True)
class Place:
    """Where a preparation reads and writes.

    Attributes:
        documents: what Spark reads, a file or a folder of JSON Lines, also compressed.
        work: a folder, as Spark names it, in which the first stage's result outlasts a run that was broken off.
        output: the folder that becomes the corpus, on a path that all executors have.
        beside: the folder of the report and of the rejected lines, on the driver.
    """

    documents: str
    work: str
    output: Path
    beside: Path


@dataclass(frozen=True)
class Preparation:
    """One preparation: its source's fields, its settings, and the most lines that may be set aside."""

    context: SparkContext
    source: JsonLines
    settings: PreparationSettings
    place: Place
    max_rejected: int

    def run(self, passed: PassedOver) -> CorpusManifest:
        """Write the corpus and return its manifest, written last; `passed` is told of what is passed over.

        Raises:
            CorpusError: no corpus comes of the documents, or more lines are none than may be.
        """
        rejected, documents = self._counted()
        aside = report.rejections(rejected)
        self._set_aside(rejected, aside)
        sizes = report.by_partition(documents)
        found = copies.find(documents)
        self._refuse(sum(number for number, _, _ in sizes), found)
        read = copies.without(documents, found)
        facts = self._facts(read)
        trimmed = repeated.trimmed(read.filter(lambda document: not document.short), self.settings.repeated_sentences)
        trimmed = trimmed.persist(StorageLevel.DISK_ONLY)
        kept = trimmed.map(lambda item: item.document)
        passed.note_all("duplicate", found.number, found.repeated)
        for part in read.mapPartitions(lambda part: [counted.passed_over(part)]).collect():
            passed.add(part)
        splitter = Splitter(self.settings.validation, self.settings.test, self.settings.seed)
        part_of = _PartOf(splitter, carve=not facts.validation)
        totals = words.totals(kept).persist(StorageLevel.DISK_ONLY)
        self._compare(totals, passed)
        vocabulary = self._vocabulary(kept, totals, part_of)
        known = self.context.broadcast(vocabulary.form_ids)
        in_words = kept.map(lambda document: (document, records.vectorised(document, known.value))).persist(
            StorageLevel.DISK_ONLY
        )
        useful = in_words.filter(lambda item: bool(item[1].ids))
        files, shards, counts = self._write(useful, part_of, len(vocabulary.words))
        files += self._vocabulary_files(
            vocabulary, words.stop_forms(totals, self.settings, vocabulary), passed.segmented
        )
        manifest = CorpusManifest.describing(
            vocabulary_hash=vocabulary_hash(vocabulary.encoded()),
            feature_dim=len(vocabulary.words),
            language=self.settings.language,
            documents=DocumentCounts(
                **counts,
                dropped_short=facts.short,
                dropped_without_vocabulary=facts.read - facts.short - sum(counts.values()),
                dropped_duplicate=found.number,
            ),
            shards=ShardCounts(**shards),
            tokens=_tokens(useful, vocabulary),
            repeated=_repeated(trimmed),
            source=SourceDescription(
                name=self.source.name, version=f"sha256:{_documents_hash(read)}", licence=self.source.licence
            ),
            settings=settings_told(self.settings, passed.segmented),
            files=records.described(files),
        )
        self.place.beside.mkdir(parents=True, exist_ok=True)
        shards_written = [file for file in files if file.records is not None]
        told = report.report(sizes, shards_written, aside, list(passed.sentences()))
        (self.place.beside / REPORT_NAME).write_bytes(told.encoded())
        (self.place.output / MANIFEST_NAME).write_bytes(manifest.encoded())
        return manifest

    def _counted(self) -> tuple[RDD[Rejected], RDD[Counted]]:
        """Return the first stage's result; that of a run that was broken off after it is taken up."""
        path = self._first_stage()
        if not _is_whole(self.context, path):
            source, finder, least_words = self.source, self.settings.finder, self.settings.least_words
            # As binary, since Spark's own text has something else where bytes are no UTF-8.
            table = SparkSession(self.context).read.text(self.place.documents)
            lines = table.select(table["value"].cast("binary")).rdd.map(lambda row: bytes(row[0]))
            found = lines.mapPartitions(lambda part: counted.read(source, finder, least_words, part))
            found.map(lambda item: (isinstance(item, Counted), tuple(item))).saveAsPickleFile(path)
        items = self.context.pickleFile(path)
        rejected = items.filter(lambda item: not item[0]).map(lambda item: Rejected(*item[1]))
        return rejected, items.filter(lambda item: item[0]).map(lambda item: Counted(*item[1]))

    def _first_stage(self) -> str:
        files = _listing(self.context, self.place.documents)
        chosen = self.settings.model_dump(mode="json", include={"least_words", "language", "html", "segmentation"})
        finder = self.settings.finder
        key = sha256_hex(
            canonical_json(
                [
                    files,
                    repr(self.source),
                    chosen,
                    finder.rule.encoded(),
                    finder.plain.encoded(),
                    segmentation.installed(),
                    Counted._fields,
                ]
            )
        )
        return f"{self.place.work.rstrip('/')}/counted-{key[:16]}"

    def _set_aside(self, rejected: RDD[Rejected], aside: dict[str, int]) -> None:
        if not aside:
            return
        target = self.place.beside / "rejected.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            for line in rejected.take(self.max_rejected):
                stream.write(written(line))
        if UNSEGMENTED in aside:
            first = rejected.filter(lambda line: line.reason.startswith(UNSEGMENTED)).first()
            brought = (
                f"; a processing job has what {_BUNDLE} brings" if segmentation.REQUIREMENTS in first.reason else ""
            )
            raise CorpusError(f"{aside[UNSEGMENTED]:,} documents, {first.line!r} among them: {first.reason}{brought}")
        if sum(aside.values()) > self.max_rejected:
            raise CorpusError(too_many(aside, self.max_rejected, target))

    def _refuse(self, read: int, found: Copies) -> None:
        if not read:
            raise CorpusError("the source holds no documents")
        if self.source.has_ids and found.repeated:
            raise CorpusError(f"two documents have the id {found.repeated[0]!r}: ids must differ")

    def _facts(self, read: RDD[Counted]) -> _Facts:
        facts: _Facts = read.map(_facts_of).reduce(_Facts.__add__)
        if facts.short == facts.read:
            raise CorpusError(f"none of the {facts.read:,} documents has {self.settings.least_words} words or more")
        return facts

    def _compare(self, totals: RDD[tuple[str, int]], passed: PassedOver) -> None:
        if self.settings.language_stop_words:
            stop_words = stop_words_by_language(self.settings.rule)
            listed = self.context.broadcast(frozenset().union(*stop_words.values()))
            counts = dict(totals.filter(lambda item: item[0] in listed.value).collect())
            passed.compare(self.settings.language, counts, stop_words, totals.values().sum())

    def _vocabulary(self, kept: RDD[Counted], totals: RDD[tuple[str, int]], part_of: _PartOf) -> Vocabulary:
        if self.settings.vocabulary is not None:
            return words.frozen(totals, self.settings, self.settings.vocabulary)
        training = kept.filter(lambda document: part_of(document) == "train")
        return words.choose(self.context, totals, training, self.settings)

    def _write(
        self, useful: RDD[tuple[Counted, Row]], part_of: _PartOf, width: int
    ) -> tuple[list[Written], dict[str, int], dict[Part, int]]:
        rows = useful.map(lambda item: (part_of(item[0]), item[1]))
        found: dict[Part, int] = dict(rows.mapValues(lambda _: 1).reduceByKey(int.__add__).collect())
        counts = {part: found.get(part, 0) for part in PARTS}
        check_parts(counts, self.settings)
        shards = {part: self.settings.train_shards if part == "train" else 1 for part in PARTS}
        deal = records.Deal(counts, shards)
        dealt = records.dealt(rows, deal, self.settings.seed).persist(StorageLevel.DISK_ONLY)
        return (
            records.write(dealt, deal, width, str(self.place.output)),
            {str(part): number for part, number in shards.items()},
            counts,
        )

    def _vocabulary_files(
        self, vocabulary: Vocabulary, stop_forms: tuple[str, ...], languages: Iterable[str]
    ) -> list[Written]:
        forms = SurfaceForms(
            language=self.settings.language,
            rule=self.settings.rule,
            vocabulary_hash=vocabulary_hash(vocabulary.encoded()),
            words=vocabulary.words,
            forms=vocabulary.form_ids,
            stop_forms=stop_forms,
            plain=self.settings.written_text_rule(vocabulary.words, languages),
        )
        contents = {VOCABULARY_PATH: vocabulary.encoded(), SURFACE_FORMS_PATH: forms.encoded()}
        for name, content in contents.items():
            (self.place.output / name).parent.mkdir(parents=True, exist_ok=True)
            (self.place.output / name).write_bytes(content)
        return [Written(name, sha256_hex(content), len(content), None) for name, content in contents.items()]


@dataclass(frozen=True)
class _PartOf:
    """Tells the part of a document, on any executor."""

    splitter: Splitter
    carve: bool

    def __call__(self, document: Counted) -> Part:
        return self.splitter.part_of(document.id, document.split, carve=self.carve)


class _Facts(NamedTuple):
    """Sums over the documents without copies."""

    read: int
    short: int
    validation: int
    """Those that the source itself has for validation, among the kept."""

    def __add__(self, other: _Facts) -> _Facts:  # type: ignore[override]  # a sum, where a tuple would be lengthened
        return _Facts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def _facts_of(document: Counted) -> _Facts:
    return _Facts(1, int(document.short), int(document.split == "validation" and not document.short))


def _tokens(useful: RDD[tuple[Counted, Row]], vocabulary: Vocabulary) -> TokenCounts:
    total, in_vocabulary = useful.map(lambda item: (sum(item[0].counts), sum(item[1].counts))).reduce(
        lambda one, other: (one[0] + other[0], one[1] + other[1])
    )
    forms = words.totals(useful.keys()).keys()
    ours = useful.context.broadcast(frozenset(vocabulary.form_ids))
    seen, seen_of_ours = forms.map(lambda form: (1, int(form in ours.value))).reduce(
        lambda one, other: (one[0] + other[0], one[1] + other[1])
    )
    return TokenCounts(total=total, in_vocabulary=in_vocabulary, forms=seen, forms_in_vocabulary=seen_of_ours)


def _repeated(trimmed: RDD[Trimmed]) -> RepeatedSentences:
    sentences, words_of_them = trimmed.map(lambda item: (item.sentences, item.words)).reduce(
        lambda one, other: (one[0] + other[0], one[1] + other[1])
    )
    return RepeatedSentences(sentences=sentences, words=words_of_them)


def _documents_hash(read: RDD[Counted]) -> str:
    """Return the hash over all documents' digests in their order; they pass by the driver, and do not stay there."""
    digest = hashlib.sha256()
    in_order = read.map(lambda document: (document.digest, None)).sortByKey().keys()
    for one in in_order.toLocalIterator(prefetchPartitions=True):
        digest.update(one)
    return digest.hexdigest()


def _listing(context: SparkContext, documents: str) -> list[list[str | int]]:
    """Return name, size and time of each file that is read: other files, and the first stage is done anew."""
    path = context._gateway.jvm.org.apache.hadoop.fs.Path(documents)  # noqa: SLF001 (as below)
    system = path.getFileSystem(context._jsc.hadoopConfiguration())  # noqa: SLF001 (as below)
    found = [inner for outer in system.globStatus(path) or () for inner in system.listStatus(outer.getPath())]
    if not found:
        raise CorpusError(f"{documents} is not there, or holds no file")
    return sorted([str(item.getPath()), item.getLen(), item.getModificationTime()] for item in found)


def _is_whole(context: SparkContext, path: str) -> bool:
    """Tell whether a stage's result is there to its last file, which is Spark's mark of success."""
    gateway = context._gateway.jvm  # noqa: SLF001 (PySpark's only way to Hadoop's file systems)
    mark = gateway.org.apache.hadoop.fs.Path(f"{path}/_SUCCESS")
    system = mark.getFileSystem(context._jsc.hadoopConfiguration())  # noqa: SLF001 (as above)
    if system.exists(mark):
        return True
    system.delete(mark.getParent(), True)
    return False
