"""`python -m operations.sweep`."""

from __future__ import annotations

import sys

from operations.sweep.command import main

sys.exit(main())
