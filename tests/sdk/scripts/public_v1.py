"""What AWS's public notebooks of NTM call of SDK 1.72, with other data, and with `default_bucket()` as they have it.

Arguments: the notebook's name, a folder for what is made, and the folder of counts. The last line printed is the result
as JSON.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import sagemaker
import sagemaker.amazon.common as smac
from sagemaker import get_execution_role
from sagemaker.amazon.amazon_estimator import get_image_uri
from sagemaker.predictor import csv_serializer, json_deserializer
from sagemaker.session import s3_input
from scipy.sparse import csr_matrix

NAME, FOLDER, COUNTS = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
RECORDIO = "application/x-recordio-protobuf"


def packed(rows: csr_matrix) -> io.BytesIO:
    """Counts as records."""
    buffer = io.BytesIO()
    smac.write_spmatrix_to_sparse_tensor(array=rows, file=buffer, labels=None)
    buffer.seek(0)
    return buffer


def counts(name: str) -> csr_matrix:
    """Counts of one part of the data."""
    return csr_matrix(np.load(COUNTS / f"{name}.npy"), dtype=np.float32)


def newsgroups() -> dict[str, Any]:
    """ntm_20newsgroups: a sharded channel beside one given by its address alone, both without a slash at their end."""
    role, session = get_execution_role(), sagemaker.Session()
    bucket, train, test = session.default_bucket(), counts("train"), counts("test")
    for part in range(8):
        key = f"20newsgroups/train/train_part{part}.pbr"
        boto3.resource("s3").Bucket(bucket).Object(key).upload_fileobj(packed(train[part::8]))
    boto3.resource("s3").Bucket(bucket).Object("20newsgroups/val/val_part0.pbr").upload_fileobj(packed(test))
    ntm = sagemaker.estimator.Estimator(
        get_image_uri(boto3.Session().region_name, "ntm"), role, train_instance_count=2,
        train_instance_type="ml.c4.xlarge", output_path=f"s3://{bucket}/20newsgroups/output",
        sagemaker_session=session,
    )  # fmt: skip
    ntm.set_hyperparameters(
        num_topics=20, feature_dim=train.shape[1], mini_batch_size=128, epochs=2, num_patience_epochs=5, tolerance=0.001
    )
    sharded = s3_input(f"s3://{bucket}/20newsgroups/train", distribution="ShardedByS3Key")
    ntm.fit({"train": sharded, "validation": f"s3://{bucket}/20newsgroups/val"})
    predictor = ntm.deploy(initial_instance_count=1, instance_type="ml.m4.xlarge")
    predictor.content_type = "text/csv"
    predictor.serializer, predictor.deserializer = csv_serializer, json_deserializer
    of_csv = predictor.predict(np.array(test[:5].todense()))["predictions"]
    predictor.content_type, predictor.serializer = RECORDIO, packed
    of_records = predictor.predict(test[:5])["predictions"]
    sagemaker.Session().delete_endpoint(predictor.endpoint)
    model = f"20newsgroups/output/{ntm._current_job_name}/output/model.tar.gz"
    boto3.resource("s3").Bucket(bucket).download_file(model, "downloaded_model.tar.gz")
    subprocess.run(["tar", "-xzvf", "downloaded_model.tar.gz"], check=True)
    subprocess.run(["unzip", "-o", "model_algo-1"], check=True)
    return {
        "answers": [[item["topic_weights"] for item in answer] for answer in (of_csv, of_records)],
        "params": str(FOLDER / "params"),
        "shape": [train.shape[1], 20],
    }


def wikitext() -> dict[str, Any]:
    """ntm_wikitext: files copied by the CLI below prefixes without a slash, a vocabulary among them, four channels."""
    role, bucket = sagemaker.get_execution_role(), sagemaker.Session().default_bucket()
    rows = counts("test")
    channels = {"train": rows[:400], "validation": rows[400:500], "test": rows[500:600]}
    places = {name: f"s3://{bucket}/ntm/wikitext-2/{name}" for name in (*channels, "auxiliary")}
    for name in places:
        (FOLDER / name).mkdir()
    for name, part in channels.items():
        (FOLDER / name / f"{name}_part0.pbr").write_bytes(packed(part).getvalue())
    (FOLDER / "auxiliary" / "vocab.txt").write_text("".join(f"word{word}\n" for word in range(rows.shape[1])))
    client = boto3.client("s3")
    for name, place in places.items():
        for file in (FOLDER / name).iterdir():
            client.upload_file(str(file), bucket, f"{place.split('/', 3)[3]}/{file.name}")
    ntm = sagemaker.estimator.Estimator(
        get_image_uri(boto3.Session().region_name, "ntm"), role, train_instance_count=1,
        train_instance_type="ml.c4.xlarge", output_path=f"s3://{bucket}/ntm/wikitext-2/output",
        sagemaker_session=sagemaker.Session(),
    )  # fmt: skip
    ntm.set_hyperparameters(num_topics=20, feature_dim=rows.shape[1], mini_batch_size=60, epochs=2, sub_sample=0.7)
    given = {
        name: s3_input(
            places[name], distribution="ShardedByS3Key" if name == "train" else "FullyReplicated", content_type=RECORDIO
        )
        for name in channels
    }
    given["auxiliary"] = s3_input(places["auxiliary"], distribution="FullyReplicated", content_type="text/plain")
    ntm.fit(given)
    return {"with_words": ntm.model_data}


result = {"ntm_20newsgroups": newsgroups, "ntm_wikitext": wikitext}[NAME]()
print()
print(json.dumps(result))
