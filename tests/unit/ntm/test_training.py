from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from training_scripts.hyperparameters import NtmHyperparameters, OpenNtmSwitches
from training_scripts.ntm.coherence import top_word_ids
from training_scripts.ntm.failure import ClientError
from training_scripts.ntm.learning.training import EpochReport, Progress, Trained, Trainer
from training_scripts.ntm.reading import documents as channel
from training_scripts.ntm.reading.documents import Documents
from training_scripts.ntm.sums import Alone

Planted = Callable[[int, int], csr_matrix]
WORDS_PER_TOPIC = 10


def loaded(counts: csr_matrix, *, max_memory_mb: int = 64) -> Documents:
    def read() -> Iterator[csr_matrix]:
        for first in range(0, counts.shape[0], 50):
            yield counts[first : first + 50]

    return Documents.load(read, feature_dim=counts.shape[1], max_memory_mb=max_memory_mb, seed=0)


def settings(**changes: object) -> NtmHyperparameters:
    small = {"num_topics": 4, "mini_batch_size": 32, "epochs": 3, "encoder_layers": "16", **changes}
    return NtmHyperparameters.model_validate(small)


def trained(
    ntm: NtmHyperparameters,
    train: Documents,
    validation: Documents | None = None,
    *,
    switches: OpenNtmSwitches | None = None,
    reports: list[EpochReport] | None = None,
    saved: list[Progress] | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
) -> Trained:
    heard = [] if reports is None else reports
    trainer = Trainer(ntm, switches or OpenNtmSwitches(), documents=train, validation=validation, cluster=Alone())
    return trainer.train(
        progress or trainer.start(),
        report=heard.append,
        save=(lambda _: None) if saved is None else saved.append,
        interrupted=lambda: stop_after is not None and len(heard) >= stop_after,
    )


@pytest.fixture(scope="module")
def corpus(planted: Planted) -> Documents:
    return loaded(planted(160, 1))


@pytest.fixture(scope="module")
def unseen(planted: Planted) -> Documents:
    return loaded(planted(60, 2))


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_planted_topics_are_recovered(corpus: Documents) -> None:
    result = trained(settings(epochs=60, num_patience_epochs=61), corpus)

    blocks = {frozenset((row // WORDS_PER_TOPIC).tolist()) for row in top_word_ids(result.params["topics"], 8)}
    assert blocks == {frozenset({block}) for block in range(4)}


def test_a_documents_topic_weights_point_to_its_planted_topic(planted: Planted, corpus: Documents) -> None:
    ntm = settings(epochs=20, num_patience_epochs=99)
    trainer = Trainer(ntm, OpenNtmSwitches(), documents=corpus, validation=None, cluster=Alone())
    result = trainer.train(trainer.start(), report=lambda _: None, save=lambda _: None, interrupted=lambda: False)

    weights = trainer.topic_weights(result.params, result.averages, loaded(planted(60, 2)))

    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    topic_of_block = [set(weights[block::4].argmax(axis=1).tolist()) for block in range(4)]
    assert [len(found) for found in topic_of_block] == [1, 1, 1, 1]
    assert len(set.union(*topic_of_block)) == 4


def test_the_same_seed_gives_the_same_model_to_the_last_bit_and_another_seed_another(corpus: Documents) -> None:
    first, again, other = (
        trained(settings(), corpus, switches=OpenNtmSwitches(seed=seed)).params for seed in (7, 7, 8)
    )

    assert same(first, again)
    assert not same(first, other)


def test_the_model_kept_is_the_average_of_the_steps_where_one_is_asked_for(corpus: Documents) -> None:
    averaged, last = (
        trained(settings(), corpus, switches=OpenNtmSwitches(parameter_averaging=share)) for share in (0.99, 0.0)
    )
    saved: list[Progress] = []
    trained(settings(), corpus, switches=OpenNtmSwitches(parameter_averaging=0.99), saved=saved)

    assert not same(averaged.params, last.params)
    assert same(averaged.params, saved[-1].mean)
    assert same(last.params, saved[-1].params)


def test_the_loss_falls(corpus: Documents) -> None:
    reports: list[EpochReport] = []
    trained(settings(), corpus, reports=reports)

    totals = [report.train.total for report in reports]
    assert totals == sorted(totals, reverse=True)


def test_training_stops_early_on_the_validation_documents_and_keeps_their_best_epoch(
    corpus: Documents, unseen: Documents
) -> None:
    reports: list[EpochReport] = []
    saved: list[Progress] = []

    result = trained(
        settings(epochs=200, num_patience_epochs=2, tolerance=0.05), corpus, unseen, reports=reports, saved=saved
    )

    losses = [report.validation.total for report in reports if report.validation]
    assert result.stopped_early
    assert result.epochs == len(losses) < 200
    assert result.best_epoch == int(np.argmin(losses))
    assert result.validation is not None
    assert result.validation.total == min(losses)


def test_without_validation_documents_the_training_loss_decides(corpus: Documents) -> None:
    result = trained(settings(epochs=200, num_patience_epochs=2, tolerance=0.05), corpus)

    assert result.stopped_early
    assert result.validation is None


def test_more_patience_than_epochs_disables_early_stop(corpus: Documents) -> None:
    result = trained(settings(epochs=6, num_patience_epochs=7, tolerance=0.1), corpus)

    assert (result.epochs, result.stopped_early, result.finished) == (6, False, True)


def test_an_interrupted_training_keeps_its_best_model(corpus: Documents) -> None:
    result = trained(settings(epochs=50), corpus, stop_after=2)

    assert (result.epochs, result.stopped_early, result.finished) == (2, False, False)


@pytest.mark.slow
def test_a_streamed_corpus_trains_a_model_as_good(
    monkeypatch: pytest.MonkeyPatch, planted: Planted, corpus: Documents, unseen: Documents
) -> None:
    monkeypatch.setattr(channel, "_MEGABYTE", 2048)
    streamed = loaded(planted(160, 1), max_memory_mb=16)

    losses = [
        result.validation.total
        for source in (corpus, streamed)
        if (result := trained(settings(epochs=8, num_patience_epochs=99), source, unseen)).validation
    ]

    assert streamed.streams
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_documents_have_one_topic_rather_than_several_where_topic_information_is_asked_for(
    planted: Planted, corpus: Documents
) -> None:
    def mean_highest(weight: float) -> float:
        ntm = settings(epochs=20, optimizer="adam", learning_rate=0.01, num_patience_epochs=99)
        switches = OpenNtmSwitches(topic_information=weight)
        trainer = Trainer(ntm, switches, documents=corpus, validation=None, cluster=Alone())
        result = trained(ntm, corpus, switches=switches)
        weights = trainer.topic_weights(result.params, result.averages, loaded(planted(80, 2)))
        assert len(set(weights.argmax(axis=1).tolist())) == ntm.num_topics
        return float(weights.max(axis=1).mean())

    assert mean_highest(50.0) > mean_highest(0.0) + 0.05


def test_training_that_diverges_says_which_settings_to_change(planted: Planted) -> None:
    counts = planted(160, 1)
    counts.data[0] = 3e38

    with pytest.raises(
        ClientError, match=r"diverged: the loss is (inf|nan) after epoch 1; lower learning_rate \(0\.001\)"
    ):
        trained(settings(), loaded(counts), switches=OpenNtmSwitches(document_weight_words=0))
