"""What the scripts of public notebooks share: arguments, data, and how a model's archive is opened.

Arguments: the notebook's name, a folder for what is made, and the folder of counts. The last line printed is the result
as JSON.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import numpy as np

NAME, FOLDER, COUNTS = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
RECORDIO = "application/x-recordio-protobuf"


def counts(name: str) -> np.ndarray:
    """Counts of one part of the data."""
    rows: np.ndarray = np.load(COUNTS / f"{name}.npy")
    return rows


def upload(bucket: str, key: str, body: io.BytesIO) -> str:
    """Store a file; return its address."""
    boto3.resource("s3").Bucket(bucket).Object(key).upload_fileobj(body)
    return f"s3://{bucket}/{key}"


def upload_newsgroups(bucket: str, packed: Callable[[np.ndarray], io.BytesIO]) -> None:
    """Store the eight parts of ntm_20newsgroups to train on, and one to validate by."""
    for part in range(8):
        upload(bucket, f"20newsgroups/train/train_part{part}.pbr", packed(counts("train")[part::8]))
    upload(bucket, "20newsgroups/val/val_part0.pbr", packed(counts("test")))


def vocabulary(file: Path, words: int) -> str:
    """Write a file of made-up words; return its path."""
    file.write_text("".join(f"word{word}\n" for word in range(words)))
    return str(file)


def decoder(bucket: str, job: str) -> str:
    """Open a model of ntm_20newsgroups as the notebook does; return the path of its parameters."""
    model = f"20newsgroups/output/{job}/output/model.tar.gz"
    boto3.resource("s3").Bucket(bucket).download_file(model, "downloaded_model.tar.gz")
    subprocess.run(["tar", "-xzvf", "downloaded_model.tar.gz"], check=True)
    subprocess.run(["unzip", "-o", "model_algo-1"], check=True)
    return str(FOLDER / "params")


def weights(answer: Mapping[str, Any]) -> list[list[float]]:
    """Topic weights of a JSON answer."""
    return [item["topic_weights"] for item in answer["predictions"]]


def run(notebooks: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
    """Run the one that is asked for, and print its result."""
    result = notebooks[NAME]()
    print()
    print(json.dumps(result))
