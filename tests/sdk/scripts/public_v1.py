"""What public notebooks of NTM call of SDK 1.72, with other data."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import sagemaker
import sagemaker.amazon.common as smac
from sagemaker import get_execution_role
from sagemaker.amazon.amazon_estimator import get_image_uri
from sagemaker.predictor import csv_serializer, json_deserializer
from sagemaker.session import s3_input
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from tests.sdk.scripts import public
else:
    # Beside this script.
    import public

REGION = boto3.Session().region_name


def packed(rows: np.ndarray) -> io.BytesIO:
    """Counts as sparse records."""
    buffer = io.BytesIO()
    smac.write_spmatrix_to_sparse_tensor(array=csr_matrix(rows, dtype=np.float32), file=buffer, labels=None)
    buffer.seek(0)
    return buffer


def newsgroups() -> dict[str, Any]:
    """ntm_20newsgroups: a sharded channel beside one given by its address alone, both without a slash at their end."""
    role, session = get_execution_role(), sagemaker.Session()
    bucket, words, test = session.default_bucket(), public.counts("train").shape[1], public.counts("test")
    public.upload_newsgroups(bucket, packed)
    ntm = sagemaker.estimator.Estimator(
        get_image_uri(REGION, "ntm"), role, train_instance_count=2,
        train_instance_type="ml.c4.xlarge", output_path=f"s3://{bucket}/20newsgroups/output",
        sagemaker_session=session,
    )  # fmt: skip
    ntm.set_hyperparameters(
        num_topics=20, feature_dim=words, mini_batch_size=128, epochs=2, num_patience_epochs=5, tolerance=0.001
    )
    sharded = s3_input(f"s3://{bucket}/20newsgroups/train", distribution="ShardedByS3Key")
    ntm.fit({"train": sharded, "validation": f"s3://{bucket}/20newsgroups/val"})
    predictor = ntm.deploy(initial_instance_count=1, instance_type="ml.m4.xlarge")
    predictor.content_type = "text/csv"
    predictor.serializer, predictor.deserializer = csv_serializer, json_deserializer
    answers = [public.weights(predictor.predict(test[:5]))]
    predictor.content_type, predictor.serializer = public.RECORDIO, packed
    answers.append(public.weights(predictor.predict(test[:5])))
    sagemaker.Session().delete_endpoint(predictor.endpoint)
    return {"answers": answers, "params": public.decoder(bucket, ntm._current_job_name), "shape": [words, 20]}


def wikitext() -> dict[str, Any]:
    """ntm_wikitext: files copied by the CLI below prefixes without a slash, a vocabulary among them, four channels."""
    role, bucket = sagemaker.get_execution_role(), sagemaker.Session().default_bucket()
    rows = public.counts("test")
    channels = {"train": rows[:400], "validation": rows[400:500], "test": rows[500:600]}
    places = {name: f"s3://{bucket}/ntm/wikitext-2/{name}" for name in (*channels, "auxiliary")}
    for name in places:
        (public.FOLDER / name).mkdir()
    for name, part in channels.items():
        (public.FOLDER / name / f"{name}_part0.pbr").write_bytes(packed(part).getvalue())
    public.vocabulary(public.FOLDER / "auxiliary" / "vocab.txt", rows.shape[1])
    client = boto3.client("s3")
    for name, place in places.items():
        for file in (public.FOLDER / name).iterdir():
            client.upload_file(str(file), bucket, f"{place.split('/', 3)[3]}/{file.name}")
    ntm = sagemaker.estimator.Estimator(
        get_image_uri(REGION, "ntm"), role, train_instance_count=1,
        train_instance_type="ml.c4.xlarge", output_path=f"s3://{bucket}/ntm/wikitext-2/output",
        sagemaker_session=sagemaker.Session(),
    )  # fmt: skip
    ntm.set_hyperparameters(num_topics=20, feature_dim=rows.shape[1], mini_batch_size=60, epochs=2, sub_sample=0.7)
    given = {
        name: s3_input(
            places[name],
            distribution="ShardedByS3Key" if name == "train" else "FullyReplicated",
            content_type=public.RECORDIO,
        )
        for name in channels
    }
    given["auxiliary"] = s3_input(places["auxiliary"], distribution="FullyReplicated", content_type="text/plain")
    ntm.fit(given)
    return {"with_words": ntm.model_data}


def headlines() -> dict[str, Any]:
    """ABC headlines: channels by their address alone, the image's tag `latest`, sparse records as a question."""
    session = sagemaker.Session()
    bucket, rows = session.default_bucket(), public.counts("test")[:600]
    train = public.upload(bucket, "headlines/training/training.protobuf", packed(rows))
    words = session.upload_data(
        path=public.vocabulary(public.FOLDER / "vocab.txt", rows.shape[1]), key_prefix="headlines/input/auxiliary"
    )
    ntm = sagemaker.estimator.Estimator(
        get_image_uri(REGION, "ntm", "latest"), get_execution_role(), train_instance_count=1,
        train_instance_type="ml.p3.2xlarge", output_path=f"s3://{bucket}/headlines/output/", sagemaker_session=session,
    )  # fmt: skip
    ntm.set_hyperparameters(
        num_topics=10, feature_dim=rows.shape[1], optimizer="adam", mini_batch_size=256, num_patience_epochs=10
    )
    ntm.fit(inputs={"train": train, "auxiliary": words})
    predictor = ntm.deploy(initial_instance_count=1, instance_type="ml.t2.large")
    predictor.content_type, predictor.deserializer = public.RECORDIO, json_deserializer
    answered = public.weights(predictor.predict(packed(rows[:5])))
    predictor.delete_endpoint()
    return {"answers": [answered], "with_words": ntm.model_data}


public.run({"ntm_20newsgroups": newsgroups, "ntm_wikitext": wikitext, "abc_headlines": headlines})
