"""AWS's NTM tutorial as the SDK of its time has it (1.72): train on two instances, deploy, predict, transform, delete.

Arguments: the role's ARN, a folder for what is made, and the folder of counts. The last line printed is the result as
JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import boto3
import numpy as np
import sagemaker
import sagemaker.amazon.common as smac
from sagemaker.amazon.amazon_estimator import get_image_uri
from sagemaker.predictor import csv_serializer, json_deserializer
from sagemaker.session import s3_input
from scipy.sparse import csr_matrix

ROLE, FOLDER, COUNTS = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
ROWS_A_REQUEST = 250
PREFIX = "20newsgroups"

key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
ec2 = boto3.client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName="tutorial", Description="The tutorial's instances", VpcId=vpc)["GroupId"]
session = sagemaker.Session()
BUCKET = session.default_bucket()
train, test = np.load(COUNTS / "train.npy"), np.load(COUNTS / "test.npy")
for channel, counts, shards in (("train", train, 2), ("test", test, 1)):
    (FOLDER / channel).mkdir()
    for shard in range(shards):
        with (FOLDER / channel / f"part-{shard}.pbr").open("wb") as out:
            smac.write_spmatrix_to_sparse_tensor(out, csr_matrix(counts[shard::shards].astype("float32")))
    session.upload_data(str(FOLDER / channel), bucket=BUCKET, key_prefix=f"{PREFIX}/{channel}")

ntm = sagemaker.estimator.Estimator(
    get_image_uri(boto3.Session().region_name, "ntm"),
    ROLE,
    train_instance_count=2,
    train_instance_type="ml.c4.xlarge",
    output_path=f"s3://{BUCKET}/{PREFIX}/output",
    output_kms_key=key,
    subnets=[subnet],
    security_group_ids=[group],
    sagemaker_session=session,
)
ntm.set_hyperparameters(
    num_topics=20, feature_dim=train.shape[1], mini_batch_size=128, epochs=2, num_patience_epochs=5, tolerance=0.001
)
s3_train = s3_input(f"s3://{BUCKET}/{PREFIX}/train", distribution="ShardedByS3Key")
s3_test = s3_input(f"s3://{BUCKET}/{PREFIX}/test", distribution="FullyReplicated")
ntm.fit({"train": s3_train, "test": s3_test})

predictor = ntm.deploy(initial_instance_count=1, instance_type="ml.m4.xlarge")
predictor.content_type = "text/csv"
predictor.serializer = csv_serializer
predictor.deserializer = json_deserializer
topics = []
for start in range(0, len(train), ROWS_A_REQUEST):
    results = predictor.predict(train[start : start + ROWS_A_REQUEST])
    topics += [prediction["topic_weights"] for prediction in results["predictions"]]
np.save(FOLDER / "topics.npy", np.array(topics))

np.savetxt(FOLDER / "trainvectors.csv", train, delimiter=",", fmt="%i")
batch_input = session.upload_data(str(FOLDER / "trainvectors.csv"), bucket=BUCKET, key_prefix=f"{PREFIX}/batch")
transformer = ntm.transformer(
    instance_count=1, instance_type="ml.m4.xlarge", output_path=f"s3://{BUCKET}/{PREFIX}/transformed"
)
transformer.transform(batch_input, content_type="text/csv", split_type="Line")
transformer.wait()
boto3.client("s3").download_file(BUCKET, f"{PREFIX}/transformed/trainvectors.csv.out", str(FOLDER / "vectors.out"))

sagemaker_client = session.sagemaker_client
predictor.delete_model()
session.delete_endpoint(predictor.endpoint)
sagemaker_client.get_waiter("endpoint_deleted").wait(EndpointName=predictor.endpoint)
print()
print(
    json.dumps(
        {
            "model_data": ntm.model_data,
            "topics": str(FOLDER / "topics.npy"),
            "transformed": str(FOLDER / "vectors.out"),
            "endpoints": [item["EndpointName"] for item in sagemaker_client.list_endpoints()["Endpoints"]],
        }
    )
)
