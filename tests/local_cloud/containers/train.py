"""A stand-in for a training image: does what its hyperparameters say, with the standard library alone."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--root", type=Path)
root = parser.parse_args().root

parameters = json.loads((root / "input/config/hyperparameters.json").read_text())
resources = json.loads((root / "input/config/resourceconfig.json").read_text())
host = resources["current_host"]
stopping = threading.Event()
if "deaf" in parameters:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())

data = root / "input/data"
seen = {
    "host": host,
    "hosts": resources["hosts"],
    "hyperparameters": parameters,
    "channels": json.loads((root / "input/config/inputdataconfig.json").read_text()),
    "files": sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()),
    "environment": {name: os.environ.get(name) for name in ("TRAINING_JOB_NAME", "COLOUR", "AWS_ACCESS_KEY_ID")},
    "coordinator": os.environ["NTM_COORDINATOR"],
}
print(f"trained on {host}", flush=True)
task = parameters.get("task", "succeed")
on_this_host = parameters.get("host", host) == host
if task == "fail" and on_this_host:
    (root / "output/failure").write_text(parameters["reason"])
    sys.exit(1)
if task == "die" and on_this_host:
    os.kill(os.getpid(), signal.SIGKILL)
if task == "fill":
    # A full disk: nothing of the model can be written, nor why not.
    Path("/dev/full").write_text("x" * 100_000)
if task == "gorge":
    hoard = bytearray(400 * 1024 * 1024)
    hoard[::4096] = b"x" * len(hoard[::4096])
    stopping.wait()
if task in {"wait", "fail", "die"}:
    stopping.wait()
if task == "lives":
    # Each life goes on from the one before, where there is a checkpoint of it; the last of them ends by itself.
    checkpoint = root / "checkpoints/lives.txt"
    seen["lives"] = int(checkpoint.read_text()) + 1 if checkpoint.exists() else 1
    checkpoint.write_text(str(seen["lives"]))
    print("life", seen["lives"], flush=True)
    if seen["lives"] < int(parameters["lives"]):
        stopping.wait()
if "loss" in parameters:
    rate = float(parameters["rate"])
    print(f"loss={(rate - float(parameters['loss'])) ** 2}", flush=True)
if task == "pipe":
    seen["piped"] = [(data / f"train_{epoch}").read_text() for epoch in (0, 1)]
(root / "output/data" / "seen.json").write_text(json.dumps(seen))
(root / "output/metrics").mkdir()
(root / "output/metrics/final.json").write_text(json.dumps({"validation:total_loss": 7.25}))
(root / "model" / "weights.json").write_text(json.dumps({"factor": int(parameters.get("factor", "1"))}))
