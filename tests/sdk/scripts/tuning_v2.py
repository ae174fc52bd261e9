"""Tuning NTM as SDK v2 code: four trials, two at a time, and the best of them deployed.

Arguments: the role's ARN, and a folder for what is made. The last line printed is the result as JSON.
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
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

ROLE, FOLDER = sys.argv[1], Path(sys.argv[2])
FEATURES, TOPICS = 40, 3


def documents(count: int, seed: int) -> np.ndarray:
    """Counts of words of documents on one of three themes each."""
    random = np.random.default_rng(seed)
    counts = random.poisson(0.1, (count, FEATURES)).astype("float32")
    for row, theme in enumerate(random.integers(0, TOPICS, count)):
        counts[row, theme * 10 : theme * 10 + 10] += random.poisson(3, 10)
    return counts


bucket = "tuning-v2"
session = sagemaker.Session(default_bucket=bucket)
session.boto_session.client("s3").create_bucket(Bucket=bucket)
for channel, count in (("train", 200), ("validation", 50)):
    path = FOLDER / channel / "part-0.pbr"
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as out:
        write_numpy_to_dense_tensor(out, documents(count, len(channel)))
    session.upload_data(str(FOLDER / channel), bucket=bucket, key_prefix=f"ntm/{channel}")

estimator = Estimator(
    image_uris.retrieve("ntm", session.boto_region_name, version="1"),
    ROLE,
    instance_count=1,
    instance_type="ml.c5.xlarge",
    output_path=f"s3://{bucket}/ntm/output",
    sagemaker_session=session,
)
estimator.set_hyperparameters(num_topics=TOPICS, feature_dim=FEATURES, epochs=3)
tuner = HyperparameterTuner(
    estimator,
    objective_metric_name="validation:total_loss",
    objective_type="Minimize",
    hyperparameter_ranges={
        "learning_rate": ContinuousParameter(1e-4, 0.1),
        "mini_batch_size": IntegerParameter(16, 64),
        "optimizer": CategoricalParameter(["sgd", "adam", "adadelta"]),
    },
    max_jobs=4,
    max_parallel_jobs=2,
)
recordio = "application/x-recordio-protobuf"
tuner.fit({name: TrainingInput(f"s3://{bucket}/ntm/{name}", content_type=recordio) for name in ("train", "validation")})
tuner.wait()
client = session.sagemaker_client
trials = client.list_training_jobs_for_hyper_parameter_tuning_job(
    HyperParameterTuningJobName=tuner.latest_tuning_job.name
)["TrainingJobSummaries"]
attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
predictor = tuner.deploy(1, "ml.m5.large", serializer=CSVSerializer(), deserializer=JSONDeserializer())
answer = predictor.predict(documents(5, 7))
predictor.delete_model()
predictor.delete_endpoint()
print()
print(
    json.dumps(
        {
            "status": tuner.describe()["HyperParameterTuningJobStatus"],
            "attached": [attached.estimator.instance_count, attached.estimator.instance_type],
            "metrics": [item["Name"] for item in attached.metric_definitions],
            "best": tuner.best_training_job(),
            "values": {
                trial["TrainingJobName"]: trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
                for trial in trials
            },
            "tuned": [trial["TunedHyperParameters"] for trial in trials],
            "predicted": [item["topic_weights"] for item in answer["predictions"]],
        }
    )
)
