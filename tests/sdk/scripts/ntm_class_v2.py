"""What people do with SDK v2 beside the tutorial: its NTM class, analytics, registered models, the PyTorch estimator.

Arguments: the role's ARN, and a folder for what is made. The last line printed is the result as JSON.
"""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import sagemaker
from botocore.exceptions import WaiterError
from sagemaker.amazon.common import read_records
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.deserializers import JSONDeserializer
from sagemaker.model import ModelPackage
from sagemaker.pytorch import PyTorch
from sagemaker.serializers import CSVSerializer

ROLE, FOLDER = sys.argv[1], Path(sys.argv[2])
WORDS, TOPICS, BUCKET = 30, 3, "ntm-class-v2"
RECORDIO = "application/x-recordio-protobuf"
PROGRAM = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--greeting")
parser.add_argument("--fails", default="no")
options = parser.parse_args()
if options.fails == "yes":
    raise SystemExit(3)
pathlib.Path(os.environ["SM_MODEL_DIR"], "greeting.txt").write_text(options.greeting)
"""

session = sagemaker.Session(default_bucket=BUCKET)
session.boto_session.client("s3").create_bucket(Bucket=BUCKET)
counts = np.random.default_rng(1).poisson(0.7, (200, WORDS)).astype("float32")
instance = {"role": ROLE, "instance_count": 1, "instance_type": "ml.c5.xlarge", "sagemaker_session": session}
ntm = sagemaker.NTM(
    num_topics=TOPICS, encoder_layers=[20, 10], epochs=3, output_path=f"s3://{BUCKET}/output", **instance
)
ntm.data_location = f"s3://{BUCKET}/records/"
train = ntm.record_set(counts)
ntm.fit([train, ntm.record_set(counts[:50], channel="validation")], mini_batch_size=32)
job = ntm.latest_training_job.name
curve = TrainingJobAnalytics(job, sagemaker_session=session).dataframe()
described = session.describe_training_job(job)
measured = session.boto_session.client("cloudwatch").get_metric_statistics(
    Namespace="/aws/sagemaker/TrainingJobs", MetricName="validation:total_loss",
    Dimensions=[{"Name": "TrainingJobName", "Value": job}], StartTime=described["TrainingStartTime"],
    EndTime=described["TrainingEndTime"] + timedelta(minutes=1), Period=1,
    Statistics=["SampleCount", "Minimum", "Maximum", "Sum"],
)["Datapoints"]  # fmt: skip
logged = session.boto_session.client("logs").filter_log_events(
    logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{job}/",
    filterPattern='"validation total_loss"',
)["events"]  # fmt: skip

predictor = ntm.deploy(1, "ml.m5.large")
answered = predictor.predict(counts[:5])
predictor.delete_endpoint()

transformer = ntm.transformer(1, "ml.m5.large", output_path=f"s3://{BUCKET}/transformed", accept=RECORDIO)
transformer.transform(train.s3_data, data_type="ManifestFile", content_type=RECORDIO, split_type="RecordIO")
transformer.wait()
s3 = session.boto_session.client("s3")
stored = s3.list_objects_v2(Bucket=BUCKET, Prefix="transformed/")["Contents"]
transformed = [
    record
    for item in stored
    for record in read_records(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()))
]

package = ntm.register(
    content_types=["text/csv"], response_types=["application/json"], inference_instances=["ml.m5.large"],
    transform_instances=["ml.m5.large"], model_package_group_name="ntm-class", approval_status="Approved",
)  # fmt: skip
registered = ModelPackage(role=ROLE, model_package_arn=package.model_package_arn, sagemaker_session=session)
registered.deploy(1, "ml.m5.large", endpoint_name="registered")
asked = sagemaker.Predictor("registered", session, serializer=CSVSerializer(), deserializer=JSONDeserializer())
of_package = asked.predict(counts[:5])
asked.delete_endpoint()

(FOLDER / "source").mkdir()
(FOLDER / "source" / "program.py").write_text(PROGRAM)


def pytorch(**hyperparameters: str) -> PyTorch:
    """The PyTorch estimator, whose code the SDK stores in S3."""
    return PyTorch(
        entry_point="program.py", source_dir=str(FOLDER / "source"), framework_version="2.5", py_version="py311",
        code_location=f"s3://{BUCKET}/code", output_path=f"s3://{BUCKET}/output", hyperparameters=hyperparameters,
        **instance,
    )  # fmt: skip


scripted, failing = pytorch(greeting="good day"), pytorch(greeting="none", fails="yes")
scripted.fit()
failing.fit(wait=False)
waiter = session.sagemaker_client.get_waiter("training_job_completed_or_stopped")
try:
    waiter.wait(TrainingJobName=failing.latest_training_job.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
except WaiterError as error:
    print(error)
ended = session.describe_training_job(failing.latest_training_job.name)
print()
print(json.dumps({
    "hyperparameters": session.describe_training_job(job)["HyperParameters"],
    "curve": curve.to_dict("list"),
    "measured": [
        {name: each[name] for name in ("SampleCount", "Minimum", "Maximum", "Sum")}
        for each in sorted(measured, key=lambda each: each["Timestamp"])
    ],
    "logged": [event["message"] for event in logged],
    "records": [list(record.label["topic_weights"].float32_tensor.values) for record in answered],
    "transformed": [list(record.label["topic_weights"].float32_tensor.values) for record in transformed],
    "stored": [item["Key"] for item in stored],
    "of_package": [item["topic_weights"] for item in of_package["predictions"]],
    "scripted": scripted.model_data,
    "failed": [ended["TrainingJobStatus"], ended["FailureReason"]],
}))  # fmt: skip
