"""A model of SageMaker's built-in NTM, told as the open NTM tells its own, so that it is scored and explored alike.

Of its model.tar.gz the member is read that `training_scripts.ntm.builtin_member` tells of. The description made here
has no encoder: such a folder cannot be served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explore.errors import ExploreError
from training_scripts import mxnet_arrays
from training_scripts.archives import ArchiveError, read_zipped
from training_scripts.ntm import artifact, topic_words
from training_scripts.ntm.builtin_member import BIAS, DECODER, MEMBERS, PARAMETERS
from training_scripts.ntm.coherence import Cooccurrence, mean_npmi, uniqueness_by_topic
from training_scripts.ntm.sums import Alone

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def is_builtin(folder: Path) -> bool:
    """Whether an unpacked model is the built-in's."""
    return not (folder / artifact.MODEL_FILE).is_file() and any(folder.glob(MEMBERS))


def describe(
    folder: Path,
    *,
    version: str,
    corpus_hash: str,
    words: Sequence[str],
    validation: csr_matrix,
    metrics: Mapping[str, float],
) -> None:
    """Write model.json, params.npz and vocab.txt beside an unpacked model of the built-in.

    Args:
        folder: where its model.tar.gz was unpacked.
        version: its training job's name.
        corpus_hash: of the corpus that it was trained on.
        words: that corpus's vocabulary, by word id.
        validation: counts of that corpus's validation documents, (documents, words): for the topics' coherence.
        metrics: that the training job reported, by name.

    Raises:
        ExploreError: the model cannot be read, or is of another vocabulary.
    """
    topics, background = _decoder(folder)
    if topics.shape[1] != len(words):
        raise ExploreError(f"the model in {folder} has {topics.shape[1]} words, and the vocabulary {len(words)}")
    # Its artifact has no documents: the decoder's weights with the frequencies that it learned, and no more.
    named = topic_words.by_decoder(topics, background)
    ids = named.ids
    coherence = mean_npmi(Cooccurrence(validation, cluster=Alone()).npmi(ids), ids.shape[1])
    # What share of the documents a topic has is not in the built-in's model, and nothing here tells it.
    unknown = np.zeros(topics.shape[0])
    document: artifact.Document = {
        "model_version": version,
        "corpus_hash": corpus_hash,
        "vocabulary_hash": artifact.vocabulary_hash(list(words)),
        "num_topics": topics.shape[0],
        "feature_dim": len(words),
        "metrics": {
            **metrics,
            "validation:npmi": float(coherence.mean()),
            "validation:tu": float(uniqueness_by_topic(ids).mean()),
        },
        "topic_words": f"{DECODER} + {topic_words.BACKGROUND_SHARE} * {BIAS}",
        "topics": topic_words.describe(named, unknown, list(words), None),
    }
    artifact.write(folder, {"topics": topics, "background": background}, document, list(words))


def _decoder(folder: Path) -> tuple[topic_words.Matrix, topic_words.Matrix]:
    """Return B, (topics, words), and b, (words,)."""
    file = min(folder.glob(MEMBERS))
    try:
        arrays = mxnet_arrays.read(read_zipped(file, PARAMETERS))
        decoder = arrays[DECODER]
    except (ArchiveError, OSError, mxnet_arrays.FormatError) as error:
        raise ExploreError(f"{file} is no model of the built-in NTM: {error}") from None
    except KeyError as missing:
        raise ExploreError(f"{file} is no model of the built-in NTM: it has no {missing}") from None
    if decoder.ndim != 2:  # noqa: PLR2004 -- words and topics
        raise ExploreError(f"{file} has a decoder of {decoder.ndim} dimensions, where words and topics are two")
    bias = arrays.get(BIAS, np.zeros(decoder.shape[0]))
    if bias.shape != decoder.shape[:1] or not (np.isfinite(decoder).all() and np.isfinite(bias).all()):
        raise ExploreError(f"{file} has a decoder of {decoder.shape} with a bias of {bias.shape}, or not finite")
    return np.ascontiguousarray(decoder.T, dtype=np.float32), bias.astype(np.float32)
