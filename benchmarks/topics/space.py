"""What is tuned: for each model a space of settings, and the trials drawn from it. The first is always the default."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Settings = dict[str, Any]

SPACES: Final[dict[str, dict[str, list[Any]]]] = {
    "open NTM": {
        "learning_rate": [0.003, 0.004, 0.005],
        "decoder_rate": [5.0, 8.0],
        "least_input_share": [0.25, 0.5],
        "topic_information": [6.0, 8.0, 10.0],
        "coherence_weight": [150.0, 400.0, 1000.0],
        "coherence_unseen_share": [0.2, 0.3],
        "coherence_temperature": [1.5, 1.8, 2.2],
        "mini_batch_size": [128, 256],
    },
    "Gibbs LDA": {"alpha": [0.02, 0.05, 0.1, 0.5, 1.0], "eta": [0.005, 0.01, 0.05, 0.1, 0.2]},
    "NMF": {
        "init": ["nndsvd", "nndsvda"],
        "alpha_W": [0.0, 1e-5, 1e-4],
        "l1_ratio": [0.0, 0.5, 1.0],
        "sublinear_tf": [False, True],
    },
    "batch LDA": {"doc_topic_prior": [0.02, 0.05, 0.1, None], "topic_word_prior": [0.01, 0.05, 0.1, None]},
    "online LDA": {
        "alpha": ["symmetric", "asymmetric", "auto"],
        "eta": [None, 0.01, 0.1],
        "decay": [0.5, 0.7],
        "chunksize": [500, 2000],
    },
    "ProdLDA": {
        "learning_rate": [0.001, 0.002, 0.005],
        "dropout": [0.0, 0.2, 0.4],
        "prior": [0.02, 0.1, 1.0],
        "epochs": [50, 100],
    },
}
DEFAULTS: Final[dict[str, Settings]] = {
    "open NTM": {
        "optimizer": "adam",
        "learning_rate": 0.005,
        "decoder_rate": 8.0,
        "encoder_layers": "128",
        "encoder_layers_activation": "tanh",
        "least_input_share": 0.25,
        "prior_variance": 0.5,
        "topic_information": 8.0,
        "coherence_weight": 400.0,
        "coherence_unseen_share": 0.2,
        "coherence_temperature": 1.8,
        "mini_batch_size": 128,
        "tolerance": 0.0001,
        "num_patience_epochs": 15,
    },
    "open NTM, adadelta": {},
    "plain NTM": {
        "nmf_initialization": False,
        "unigram_bias": False,
        "input_weighting": "counts",
        "clamp_log_variance": False,
        "least_input_share": 1.0,
        "document_weight_words": 0.0,
        "prior_variance": 1.0,
        "topic_information": 0.0,
        "decoder_rate": 1.0,
        "parameter_averaging": 0.0,
        "coherence_weight": 0.0,
        "coherence_unseen_share": 0.0,
        "coherence_temperature": 1.0,
        "topic_repulsion": 0.0,
    },
    "Gibbs LDA": {},
    "NMF": {},
    "batch LDA": {},
    "online LDA": {},
    "ProdLDA": {},
}
UNTUNED: Final = ("open NTM, adadelta", "plain NTM")
"""Scored as they are: the job's default optimizer, and the published model without ingredients."""


def trials(model: str, number: int) -> list[Settings]:
    """Return the settings to try: the default, then `number - 1` drawn at random, always the same."""
    rng = np.random.default_rng(0)
    drawn = [DEFAULTS[model]]
    while len(drawn) < number:
        choice = {name: values[rng.integers(len(values))] for name, values in SPACES[model].items()}
        candidate = {**DEFAULTS[model], **choice}
        if candidate not in drawn:
            drawn.append(candidate)
    return drawn
