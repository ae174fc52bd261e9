"""What the models of a sweep are worth, and which value to take."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from operations.errors import OperationError
from operations.sweep.jobs import Job
from training_scripts.ntm import artifact

COHERENCE, UNIQUENESS = "validation:npmi", "validation:tu"
LOSS_MARGIN: Final = 0.01
"""A point whose validation loss is within this share of the best explains the documents as well."""


@dataclass(frozen=True)
class Score:
    """One point of the sweep, over its seeds.

    Attributes:
        point: the hyperparameters that the sweep varies.
        models: the versions of its models.
        loss: mean validation loss, the KL divergence whole: its weight in training goes by the number of topics.
        coherence: mean NPMI of the topics' words over the validation documents.
        uniqueness: mean TU.
        stability: how alike the topics of different seeds are, 0 to 1; None with one seed.
        spread: standard deviation of the quality over the seeds.
    """

    point: tuple[tuple[str, str], ...]
    models: list[str]
    loss: float
    coherence: float
    uniqueness: float
    stability: float | None
    spread: float

    @property
    def name(self) -> str:
        """The point as people write it."""
        return ", ".join(f"{name}={value}" for name, value in self.point)

    @property
    def quality(self) -> float:
        """Coherence x uniqueness (Dieng, Ruiz and Blei 2020, Topic Modeling in Embedding Spaces) x stability."""
        return self.coherence * self.uniqueness * (1.0 if self.stability is None else self.stability)


def scores(jobs: Sequence[Job]) -> list[Score]:
    """Return the scores of the points that have models, in the order of the jobs.

    Raises:
        OperationError: a model does not tell what it is scored by.
    """
    by_point: dict[tuple[tuple[str, str], ...], list[Job]] = defaultdict(list)
    for job in jobs:
        by_point[job.point].append(job)
    return [_score(point, of_point) for point, of_point in by_point.items()]


def stability(word_lists: Sequence[Sequence[Sequence[str]]]) -> float | None:
    """Return how alike the topics of several models are, 0 to 1; None of one model.

    Each two models' topics are paired so that the sum of the Jaccard similarities of their words is highest, and its
    mean taken (Greene, O'Callaghan and Cunningham 2014, How Many Topics? Stability Analysis for Topic Models).

    Args:
        word_lists: for each model, for each topic, its words.
    """
    pairs = list(itertools.combinations(word_lists, 2))
    if not pairs:
        return None
    return float(np.mean([_agreement(one, other) for one, other in pairs]))


def recommended(found: Sequence[Score]) -> tuple[Score, str]:
    """Return the point to take and why.

    Of the points whose loss is within LOSS_MARGIN of the best, it is the one of highest quality; where a point with
    fewer topics (an earlier one) is no worse than the spread between seeds, it is that one.
    """
    least = min(score.loss for score in found)
    able = [score for score in found if score.loss <= least * (1 + LOSS_MARGIN)]
    best = max(able, key=lambda score: score.quality)
    chosen = next(score for score in able if score.quality >= best.quality - best.spread)
    measure = "coherence x uniqueness" + (" x stability" if chosen.stability is not None else "")
    reason = (
        f"{len(able)} of {len(found)} points have a validation loss within {LOSS_MARGIN:.0%} of the best, {least:.2f}. "
        f"Among them {chosen.name} has a quality ({measure}) of {chosen.quality:.3f}, "
    )
    if chosen is best:
        return chosen, reason + "the highest."
    return chosen, reason + (
        f"no further below the highest, {best.quality:.3f} of {best.name}, than seeds differ ({best.spread:.3f}): "
        "the smaller model is as good."
    )


def _score(point: tuple[tuple[str, str], ...], jobs: Sequence[Job]) -> Score:
    documents = [artifact.read(job.model).document for job in jobs]
    try:
        measures = np.array(
            [
                [_whole_loss(document), *(document["metrics"][name] for name in (COHERENCE, UNIQUENESS))]
                for document in documents
            ]
        )
    except KeyError as name:
        raise OperationError(f"model {jobs[0].name} has no metric {name}: the corpus needs a validation part") from None
    alike = stability([[topic["words"] for topic in document["topics"]] for document in documents])
    means = measures.mean(axis=0)
    quality = measures[:, 1] * measures[:, 2] * (1.0 if alike is None else alike)
    return Score(
        point=point,
        models=[document["model_version"] for document in documents],
        loss=float(means[0]),
        coherence=float(means[1]),
        uniqueness=float(means[2]),
        stability=alike,
        spread=float(quality.std()),
    )


def _whole_loss(document: artifact.Document) -> float:
    loss = document["losses"]["validation"]
    return float(loss["reconstruction"] + loss["kl"] / float(document.get("hyperparameters", {}).get("kl_weight", 1)))


def _agreement(one: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> float:
    similarity = np.array([[len(set(a) & set(b)) / len(set(a) | set(b)) for b in other] for a in one])
    rows, columns = linear_sum_assignment(-similarity)
    return float(similarity[rows, columns].mean())
