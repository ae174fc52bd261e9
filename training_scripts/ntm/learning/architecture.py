"""What the model's computation depends on beside its parameters. Without JAX: what evaluates a model needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from training_scripts.hyperparameters import NtmHyperparameters, OpenNtmSwitches

HostTree = dict[str, npt.NDArray[np.float32]]
"""Parameters or averages by their names, in the host's memory."""
LOG_VARIANCE_RANGE: Final = (-8.0, 4.0)


class Architecture(NamedTuple):
    """What the computation depends on beside the parameters."""

    layers: tuple[int, ...]
    activation: str
    batch_norm: bool
    clamp_log_variance: bool
    document_weight_words: float = 0.0
    """Words that a longer document counts as; 0 where each word counts alike."""
    prior_variance: float = 1.0
    kl_weight: float = 1.0

    @classmethod
    def of(cls, ntm: NtmHyperparameters, switches: OpenNtmSwitches) -> Architecture:
        """Return the architecture that the hyperparameters ask for."""
        by_topics = switches.by_topics(ntm)
        return cls(
            layers=ntm.layer_sizes,
            activation=ntm.encoder_layers_activation,
            batch_norm=ntm.batch_norm,
            clamp_log_variance=switches.clamp_log_variance,
            document_weight_words=switches.document_weight_words,
            prior_variance=by_topics.prior_variance,
            kl_weight=by_topics.kl_weight,
        )

    def described(self, input_weighting: str) -> dict[str, Any]:
        """Return the encoder as model.json describes it to the server."""
        return {
            "layers": list(self.layers),
            "activation": self.activation,
            "batch_norm": self.batch_norm,
            "input_weighting": input_weighting,
        }
