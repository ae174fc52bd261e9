"""AWS's NTM tutorial as SDK v3 code: ModelTrainer, and resources for the endpoint and the transform job.

Arguments: the role's ARN, and a folder for what is made. The last line printed is the result as JSON.
"""

from __future__ import annotations

import io
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

ROLE, FOLDER = sys.argv[1], Path(sys.argv[2])
FEATURES, TOPICS = 40, 3
NAME = "tutorial-v3"


def documents(count: int, seed: int) -> np.ndarray:
    """Counts of words of documents on one of three themes each."""
    random = np.random.default_rng(seed)
    counts = random.poisson(0.1, (count, FEATURES)).astype("float32")
    for row, theme in enumerate(random.integers(0, TOPICS, count)):
        counts[row, theme * 10 : theme * 10 + 10] += random.poisson(3, 10)
    return counts


configure_logging("INFO")
session = Session()
# `default_bucket()` asks STS at its public address for the account's number, whatever AWS_ENDPOINT_URL says.
bucket = "tutorial-v3"
s3 = boto3.client("s3")
s3.create_bucket(Bucket=bucket)
for channel, shards in (("train", 2), ("test", 1)):
    for shard in range(shards):
        # This SDK no longer writes RecordIO.
        path = FOLDER / channel / f"part-{shard}.csv"
        path.parent.mkdir(exist_ok=True)
        np.savetxt(path, documents(60, shard), delimiter=",", fmt="%g")
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
    hyperparameters={"num_topics": TOPICS, "feature_dim": FEATURES, "mini_batch_size": 20, "epochs": 3},
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
text = io.BytesIO()
np.savetxt(text, documents(5, 7), delimiter=",", fmt="%g")
answer = endpoint.invoke(body=text.getvalue(), content_type="text/csv", accept="application/json")
predicted = json.loads(answer.body.read())

s3.put_object(Bucket=bucket, Key="ntm3/rows/rows.csv", Body=text.getvalue())
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
stored = s3.get_object(Bucket=bucket, Key="ntm3/transformed/rows.csv.out")["Body"].read()
transformed = [json.loads(line)["topic_weights"] for line in stored.splitlines()]

endpoint.delete()
endpoint.wait_for_delete()
config.delete()
model.delete()
print()
print(json.dumps({
    "model_data": model_data,
    "predicted": [item["topic_weights"] for item in predicted["predictions"]],
    "transformed": transformed,
    "endpoints": [item["EndpointName"] for item in boto3.client("sagemaker").list_endpoints()["Endpoints"]],
}))  # fmt: skip
