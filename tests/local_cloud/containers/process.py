"""A stand-in for a processing container: copies input to output in capitals, or fails or waits as it is told."""

import os
import sys
import time
from pathlib import Path

source, target, *told = sys.argv[1:]
if "wait" in told:
    time.sleep(600)
if "fail" in told:
    Path(source).parents[1].joinpath("output", "message").write_text("the program's own reason")
    sys.exit(3)
for file in Path(source).iterdir():
    Path(target, file.name).write_text(file.read_text().upper() + os.environ.get("MARK", ""))
print(f"copied {source}")
