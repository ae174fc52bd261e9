"""Preparation: from a source's documents to the corpus folder."""

from __future__ import annotations

import hashlib
import heapq
import io
from typing import TYPE_CHECKING

import numpy as np

from training_scripts import recordio
from training_scripts.corpus.counting import FormCounts, count_forms
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import (
    CURLY_APOSTROPHE,
    Lemmas,
    library_versions,
    stop_words_by_language,
    stop_words_of,
)
from training_scripts.corpus.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    PARTS,
    SURFACE_FORMS_PATH,
    VOCABULARY_PATH,
    CorpusManifest,
    DocumentCounts,
    FileDescription,
    Part,
    ShardCounts,
    SourceDescription,
    TokenCounts,
    labels_path,
    shard_path,
)
from training_scripts.corpus.reading import segmentation
from training_scripts.corpus.replacement import replaced_folder
from training_scripts.corpus.split import Splitter, place_of
from training_scripts.corpus.surface_forms import SurfaceForms
from training_scripts.corpus.vocabulary import Vocabulary, choose, freeze
from training_scripts.text_records import csv_writer
from training_scripts.versions import vocabulary_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic import JsonValue
    from scipy.sparse import csr_matrix

    from training_scripts.corpus.documents import Source
    from training_scripts.corpus.passed_over import PassedOver
    from training_scripts.corpus.progress import Progress
    from training_scripts.corpus.settings import PreparationSettings

MAX_SEEN_STOP_FORMS = 10_000
"""A server holds them all. A language has some hundreds; their contractions are many, and rare."""


def prepare(
    source: Source,
    settings: PreparationSettings,
    folder: Path,
    progress: Progress,
    passed: PassedOver | None = None,
) -> CorpusManifest:
    """Write the corpus of `source` to `folder`, in the place of the one that is there, and return its manifest.

    The same documents and settings give the same bytes, in whatever order the documents come. `passed` is told of what
    is passed over.

    Raises:
        CorpusError: the source cannot be read, or no corpus comes of it; `folder` is as it was.
    """
    lemmas = lemmas_of(settings)
    with replaced_folder(folder, recognised_by=MANIFEST_NAME) as new:
        found = count_forms(
            source.documents(),
            finder=settings.finder,
            least_words=settings.least_words,
            repeated_sentences=settings.repeated_sentences,
            has_ids=source.has_ids,
            progress=progress,
            passed=passed,
        )
        if passed is not None and settings.language_stop_words:
            totals = _totals(found)
            passed.compare(settings.language, totals, stop_words_by_language(settings.rule), sum(totals.values()))
        splitter = Splitter(settings.validation, settings.test, settings.seed)
        part_of = np.array(splitter.parts_of(found.ids, found.splits))
        progress.tell("choosing the vocabulary")
        vocabulary = _vocabulary(found, part_of == "train", settings, lemmas)
        counts = vocabulary.count(found.counts, found.forms)
        kept = np.flatnonzero(np.diff(counts.indptr))
        parts = {part: kept[part_of[kept] == part] for part in PARTS}
        check_parts({part: len(rows) for part, rows in parts.items()}, settings)
        progress.tell("writing the records")
        files, shards = _write_files(
            new,
            found,
            counts=counts,
            parts=parts,
            vocabulary=vocabulary,
            stop_forms=_stop_forms(found, vocabulary, lemmas),
            settings=settings,
        )
        manifest = CorpusManifest.describing(
            vocabulary_hash=vocabulary_hash(vocabulary.encoded()),
            feature_dim=len(vocabulary.words),
            language=settings.language,
            documents=DocumentCounts(
                **{part: len(rows) for part, rows in parts.items()},
                dropped_short=found.dropped_short,
                dropped_without_vocabulary=len(found.ids) - len(kept),
                dropped_duplicate=found.dropped_duplicate,
            ),
            shards=shards,
            tokens=_tokens(found, counts, kept, vocabulary),
            repeated=found.repeated,
            source=SourceDescription(
                name=source.name,
                version=source.version or f"sha256:{found.documents_hash}",
                licence=source.licence,
            ),
            settings=settings_told(settings, found.languages),
            files=files,
        )
        content = manifest.encoded()
        if len(content) > MAX_MANIFEST_BYTES:
            raise CorpusError(f"{MANIFEST_NAME} takes {len(content)} bytes, where {MAX_MANIFEST_BYTES} are allowed")
        (new / MANIFEST_NAME).write_bytes(content)
    return manifest


def settings_told(settings: PreparationSettings, languages: Iterable[str]) -> dict[str, JsonValue]:
    """Return the settings as the manifest tells them, with the packages that decided; `languages` were segmented."""
    libraries: dict[str, JsonValue] = {**library_versions(), **segmentation.releases_of(languages)}
    return {**settings.for_manifest(), "libraries": libraries}


def lemmas_of(settings: PreparationSettings) -> Lemmas:
    """Return what gives each form its key, by the settings' language and words."""
    of_language = stop_words_of(settings.language, settings.rule) if settings.language_stop_words else frozenset()
    kept = frozenset(map(settings.rule.normalised, settings.keep_words))
    added = frozenset(map(settings.rule.normalised, settings.stop_words))
    return Lemmas(settings.language, of_language - kept, kept - added, settings.lemmas, settings.rule, added)


def _vocabulary(
    found: FormCounts, in_training: np.ndarray, settings: PreparationSettings, lemmas: Lemmas
) -> Vocabulary:
    if settings.vocabulary is not None:
        return freeze(settings.vocabulary, found.forms, lemmas.keys_of)
    return choose(
        found.counts,
        found.forms,
        in_training,
        lemmas.keys_of,
        max_features=settings.max_features,
        max_df=settings.max_df,
        min_df=settings.min_df,
    )


def _stop_forms(found: FormCounts, vocabulary: Vocabulary, lemmas: Lemmas) -> tuple[str, ...]:
    seen = [(-total, form) for form, total in _totals(found).items() if form in vocabulary.stop_forms]
    return stop_forms_told(lemmas, vocabulary, (form for _, form in heapq.nsmallest(MAX_SEEN_STOP_FORMS, seen)))


def _totals(found: FormCounts) -> dict[str, int]:
    return dict(zip(found.forms, np.asarray(found.counts.sum(axis=0)).ravel().tolist(), strict=True))


def stop_forms_told(lemmas: Lemmas, vocabulary: Vocabulary, seen: Iterable[str]) -> tuple[str, ...]:
    """Return the stop words a server is told of, in order: those listed, and the most frequent forms `seen` of them."""
    plain = lemmas.stop_words | lemmas.stop_lemmas
    written = plain | {word.replace("'", CURLY_APOSTROPHE) for word in plain}
    find = lemmas.token_rule.tokens_of
    listed = {word for word in written if find(word) == [word] and word not in vocabulary.form_ids}
    return tuple(sorted(listed.union(seen)))


def check_parts(counts: Mapping[Part, int], settings: PreparationSettings) -> None:
    """Raise CorpusError if a part is left without documents, or has fewer than shards."""
    sizes = ", ".join(f"{part} {number}" for part, number in counts.items())
    for part, number in counts.items():
        if not number:
            raise CorpusError(f"no document is left for {part} ({sizes}): more documents or another share are needed")
    if counts["train"] < settings.train_shards:
        raise CorpusError(f"{settings.train_shards} training shards are more than the training documents ({sizes})")


def _write_files(
    folder: Path,
    found: FormCounts,
    *,
    counts: csr_matrix,
    parts: dict[Part, np.ndarray],
    vocabulary: Vocabulary,
    stop_forms: tuple[str, ...],
    settings: PreparationSettings,
) -> tuple[dict[str, FileDescription], ShardCounts]:
    files: dict[str, FileDescription] = {}
    shard_counts: dict[str, int] = {}
    for part, rows in parts.items():
        shards = _dealt(rows, found, settings.train_shards if part == "train" else 1, settings.seed)
        shard_counts[part] = len(shards)
        for number, shard in enumerate(shards):
            path = folder / shard_path(part, number)
            path.parent.mkdir(exist_ok=True)
            with path.open("wb") as stream:
                recordio.write_sparse(stream, counts[shard])
            files[shard_path(part, number)] = _described(path, len(shard))
        _write(folder, labels_path(part), _labels(np.concatenate(shards), found), files)
    _write(folder, VOCABULARY_PATH, vocabulary.encoded(), files)
    forms = SurfaceForms(
        language=settings.language,
        rule=settings.rule,
        vocabulary_hash=vocabulary_hash(vocabulary.encoded()),
        words=vocabulary.words,
        forms=vocabulary.form_ids,
        stop_forms=stop_forms,
        plain=settings.written_text_rule(vocabulary.words, found.languages),
    )
    _write(folder, SURFACE_FORMS_PATH, forms.encoded(), files)
    return files, ShardCounts(**shard_counts)


def _dealt(rows: np.ndarray, found: FormCounts, shards: int, seed: int) -> list[np.ndarray]:
    """Deal rows to shards of even size and even labels, in an order that has nothing to do with either."""
    place = {int(row): place_of(seed, "order", found.ids[row]) for row in rows}
    by_label = sorted(place, key=lambda row: (found.labels[row], place[row]))
    return [np.array(sorted(by_label[shard::shards], key=place.__getitem__)) for shard in range(shards)]


def _labels(rows: np.ndarray, found: FormCounts) -> bytes:
    table = io.StringIO(newline="")
    writer = csv_writer(table)
    writer.writerow(("id", "label"))
    for row in rows:
        writer.writerow((found.ids[row], found.labels[row]))
    return table.getvalue().encode()


def _write(folder: Path, name: str, content: bytes, files: dict[str, FileDescription]) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    files[name] = _described(path, None)


def _described(path: Path, records: int | None) -> FileDescription:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileDescription(sha256=digest, bytes=path.stat().st_size, records=records)


def _tokens(found: FormCounts, counts: csr_matrix, kept: np.ndarray, vocabulary: Vocabulary) -> TokenCounts:
    of_kept = found.counts[kept]
    seen = np.unique(of_kept.indices)
    return TokenCounts(
        total=int(of_kept.sum()),
        in_vocabulary=int(counts[kept].sum()),
        forms=len(seen),
        forms_in_vocabulary=sum(found.forms[column] in vocabulary.form_ids for column in seen),
    )
