"""What a training job's Environment tells its container. No imports: templates and the trainer both name these."""

from __future__ import annotations

from typing import Final

CORPUS_VARIABLE: Final = "CORPUS_HASH"
SEED_VARIABLE: Final = "NTM_SEED"
"""The seed, where the hyperparameters name none: the built-in refuses `seed` and takes no notice of this."""
