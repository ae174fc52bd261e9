"""What is tuned: for each model a space of settings, and the trials drawn from it. The first is always the default."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from training_scripts.hyperparameters import OPEN_NTM_VALUES, OpenNtmSwitches

Settings = dict[str, Any]

SPACES: Final[dict[str, dict[str, list[Any]]]] = {
    "open NTM": {
        "learning_rate": [0.002, 0.003, 0.005],
        "decoder_rate": [3.0, 5.0, 8.0],
        "prior_variance": [2.0, 4.0],
        "kl_weight": [0.5, 0.75, 1.0],
        "topic_information": [0.0, 2.0],
        "coherence_weight": [2.0, 5.0, 20.0],
        "coherence_unseen_share": [0.1, 0.3],
        "coherence_background_share": [0.25, 0.6, 0.8],
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
    "open NTM": {**OPEN_NTM_VALUES, "encoder_layers": "128"},
    "open NTM, adadelta": {},
    "plain NTM": OpenNtmSwitches.plain().model_dump(exclude={"seed", "max_memory_mb"}),
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
