"""Topics that a person can explore: topic vectors of a corpus, their map, and the page that shows both."""

from __future__ import annotations

import sys
from pathlib import Path

# A Lambda asset is a root of its own, and `lambda` no name to import by. The index of similar documents is written here
# and searched by the function: both by the function's own module.
sys.path.insert(0, str(Path(__file__).parent.parent / "lambda" / "urls"))
