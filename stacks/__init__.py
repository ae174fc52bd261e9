"""The topic model service as CDK stacks: data, training, serving."""

from __future__ import annotations

import sys
from pathlib import Path

# A Lambda asset is a root of its own, and `lambda` no name to import by. What the stacks declare from the functions'
# constants, such as the fields recorded of a model, they read from the asset itself.
sys.path[:0] = [str(Path(__file__).parent.parent / "lambda" / name) for name in ("deployment", "urls")]
