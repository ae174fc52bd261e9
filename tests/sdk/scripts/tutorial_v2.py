"""AWS's NTM tutorial as SDK v2 code: train on two instances, deploy, predict, transform, delete.

Arguments: the role's ARN, a folder for what is made, and the folder of counts. The last line printed is the result as
JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker import image_uris
from sagemaker.amazon.common import write_numpy_to_dense_tensor
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer

ROLE, FOLDER, COUNTS = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
TOPICS, ROWS_A_REQUEST = 20, 250

session = sagemaker.Session()
bucket = session.default_bucket()
train, test = np.load(COUNTS / "train.npy"), np.load(COUNTS / "test.npy")
for channel, counts, shards in (("train", train, 2), ("test", test, 1)):
    for shard in range(shards):
        path = FOLDER / channel / f"part-{shard}.pbr"
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as out:
            write_numpy_to_dense_tensor(out, counts[shard::shards].astype("float32"))
    session.upload_data(str(FOLDER / channel), bucket=bucket, key_prefix=f"ntm/{channel}")

estimator = Estimator(
    image_uris.retrieve("ntm", session.boto_region_name, version="1"),
    ROLE,
    instance_count=2,
    instance_type="ml.c5.xlarge",
    output_path=f"s3://{bucket}/ntm/output",
    sagemaker_session=session,
)
estimator.set_hyperparameters(num_topics=TOPICS, feature_dim=train.shape[1], mini_batch_size=128, epochs=2)
recordio = "application/x-recordio-protobuf"
estimator.fit(
    {
        "train": TrainingInput(f"s3://{bucket}/ntm/train", distribution="ShardedByS3Key", content_type=recordio),
        "test": TrainingInput(f"s3://{bucket}/ntm/test", distribution="FullyReplicated", content_type=recordio),
    }
)

predictor = estimator.deploy(1, "ml.m5.large", serializer=CSVSerializer(), deserializer=JSONDeserializer())
topics = []
for start in range(0, len(train), ROWS_A_REQUEST):
    answer = predictor.predict(train[start : start + ROWS_A_REQUEST])
    topics += [prediction["topic_weights"] for prediction in answer["predictions"]]
np.save(FOLDER / "topics.npy", np.array(topics))

np.savetxt(FOLDER / "rows.csv", train, delimiter=",", fmt="%i")
session.upload_data(str(FOLDER / "rows.csv"), bucket=bucket, key_prefix="ntm/rows")
transformer = estimator.transformer(
    1, "ml.m5.large", output_path=f"s3://{bucket}/ntm/transformed", accept="application/jsonlines", assemble_with="Line"
)
transformer.transform(f"s3://{bucket}/ntm/rows", content_type="text/csv", split_type="Line")
transformer.wait()
session.download_data(str(FOLDER / "out"), bucket, "ntm/transformed")
(stored,) = (FOLDER / "out").rglob("rows.csv.out")

predictor.delete_model()
predictor.delete_endpoint()
session.sagemaker_client.get_waiter("endpoint_deleted").wait(EndpointName=predictor.endpoint_name)
print()
print(json.dumps({
    "model_data": estimator.model_data,
    "topics": str(FOLDER / "topics.npy"),
    "transformed": str(stored),
    "endpoints": [item["EndpointName"] for item in session.sagemaker_client.list_endpoints()["Endpoints"]],
}))  # fmt: skip
