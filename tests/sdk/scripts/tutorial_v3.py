"""AWS's NTM tutorial as SDK v3 code: ModelTrainer, and resources for the endpoint and the transform job.

Arguments: the role's ARN, a folder for what is made, and the folder of counts. The last line printed is the result as
JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import boto3
import numpy as np
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TransformJob
from sagemaker.core.shapes import (
    ContainerDefinition,
    ProductionVariant,
    S3DataSource,
    TransformDataSource,
    TransformInput,
    TransformOutput,
    TransformResources,
    TransformS3DataSource,
)
from sagemaker.core.training.configs import Compute, InputData, OutputDataConfig, StoppingCondition
from sagemaker.core.utils.utils import configure_logging
from sagemaker.train.model_trainer import ModelTrainer

ROLE, FOLDER, COUNTS = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
TOPICS, ROWS_A_REQUEST = 20, 250
NAME = "tutorial-v3"


def csv(counts: np.ndarray) -> str:
    """Rows of counts as lines; many times as fast as `np.savetxt`."""
    return "".join(",".join(map(str, row)) + "\n" for row in counts.tolist())


configure_logging("INFO")
session = Session()
bucket = session.default_bucket()
s3 = boto3.client("s3")
train, test = np.load(COUNTS / "train.npy"), np.load(COUNTS / "test.npy")
for channel, counts, shards in (("train", train, 2), ("test", test, 1)):
    for shard in range(shards):
        # This SDK no longer writes RecordIO.
        path = FOLDER / channel / f"part-{shard}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(csv(counts[shard::shards]))
    session.upload_data(str(FOLDER / channel), bucket=bucket, key_prefix=f"ntm3/{channel}")


def channel_of(name: str, distribution: str) -> InputData:
    """One channel of the training job."""
    source = S3DataSource(
        s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/ntm3/{name}", s3_data_distribution_type=distribution
    )
    return InputData(channel_name=name, data_source=source, content_type="text/csv;label_size=0")


image = image_uris.retrieve("ntm", session.boto_region_name, version="1")
trainer = ModelTrainer(
    training_image=image,
    role=ROLE,
    sagemaker_session=session,
    base_job_name="tutorial-v3",
    compute=Compute(instance_type="ml.c5.xlarge", instance_count=2),
    hyperparameters={"num_topics": TOPICS, "feature_dim": train.shape[1], "mini_batch_size": 128, "epochs": 2},
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/ntm3/output"),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
)
trainer.train([channel_of("train", "ShardedByS3Key"), channel_of("test", "FullyReplicated")])
model_data = trainer._latest_training_job.model_artifacts.s3_model_artifacts

model = Model.create(
    model_name=NAME,
    primary_container=ContainerDefinition(image=image, model_data_url=model_data),
    execution_role_arn=ROLE,
)
variant = ProductionVariant(
    variant_name="AllTraffic", model_name=NAME, initial_instance_count=1, instance_type="ml.m5.large"
)
config = EndpointConfig.create(endpoint_config_name=NAME, production_variants=[variant])
endpoint = Endpoint.create(endpoint_name=NAME, endpoint_config_name=NAME)
endpoint.wait_for_status("InService")
topics = []
for start in range(0, len(train), ROWS_A_REQUEST):
    answer = endpoint.invoke(
        body=csv(train[start : start + ROWS_A_REQUEST]), content_type="text/csv", accept="application/json"
    )
    topics += [prediction["topic_weights"] for prediction in json.loads(answer.body.read())["predictions"]]
np.save(FOLDER / "topics.npy", np.array(topics))

s3.put_object(Bucket=bucket, Key="ntm3/rows/rows.csv", Body=csv(train).encode())
transform = TransformJob.create(
    transform_job_name=NAME,
    model_name=NAME,
    transform_input=TransformInput(
        data_source=TransformDataSource(
            s3_data_source=TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/ntm3/rows/")
        ),
        content_type="text/csv",
        split_type="Line",
    ),
    transform_output=TransformOutput(
        s3_output_path=f"s3://{bucket}/ntm3/transformed", accept="application/jsonlines", assemble_with="Line"
    ),
    transform_resources=TransformResources(instance_type="ml.m5.large", instance_count=1),
)
transform.wait()
s3.download_file(bucket, "ntm3/transformed/rows.csv.out", str(FOLDER / "rows.csv.out"))

endpoint.delete()
endpoint.wait_for_delete()
config.delete()
model.delete()
print()
print(json.dumps({
    "model_data": model_data,
    "topics": str(FOLDER / "topics.npy"),
    "transformed": str(FOLDER / "rows.csv.out"),
    "endpoints": [item["EndpointName"] for item in boto3.client("sagemaker").list_endpoints()["Endpoints"]],
}))  # fmt: skip
