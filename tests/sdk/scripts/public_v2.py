"""What public notebooks of NTM, and AWS's own tests, call of SDK v2, with other data."""

from __future__ import annotations

import io
import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import sagemaker
import sagemaker.amazon.common as smac
from sagemaker import NTM, NTMModel, Predictor, get_execution_role, image_uris
from sagemaker.amazon.amazon_estimator import RecordSet
from sagemaker.deserializers import JSONDeserializer
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer
from sagemaker.serverless import ServerlessInferenceConfig

if TYPE_CHECKING:
    from tests.sdk.scripts import public
else:
    # Beside this script.
    import public

REGION = boto3.Session().region_name


def packed(rows: np.ndarray) -> io.BytesIO:
    """Counts as records; dense ones, since sparse ones need SciPy, which the SDK does not bring."""
    buffer = io.BytesIO()
    smac.write_numpy_to_dense_tensor(buffer, rows.astype("float32"))
    buffer.seek(0)
    return buffer


def planted() -> np.ndarray:
    """Documents over 25 words, each of one of five topics of five words."""
    rng = np.random.default_rng(1)
    rows = rng.poisson(0.1, (1000, 25))
    for row, topic in enumerate(rng.integers(0, 5, len(rows))):
        rows[row, 5 * topic : 5 * topic + 5] += rng.poisson(6, 5)
    return rows


def newsgroups() -> dict[str, Any]:
    """ntm_20newsgroups: as with 1.72, in the words of v2."""
    role, session = get_execution_role(), sagemaker.Session()
    bucket, words, test = session.default_bucket(), public.counts("train").shape[1], public.counts("test")
    public.upload_newsgroups(bucket, packed)
    ntm = sagemaker.estimator.Estimator(
        image_uris.retrieve("ntm", REGION), role, instance_count=2, instance_type="ml.c4.xlarge",
        output_path=f"s3://{bucket}/20newsgroups/output", sagemaker_session=session,
    )  # fmt: skip
    ntm.set_hyperparameters(
        num_topics=20, feature_dim=words, mini_batch_size=128, epochs=2, num_patience_epochs=5, tolerance=0.001
    )
    sharded = TrainingInput(f"s3://{bucket}/20newsgroups/train", distribution="ShardedByS3Key")
    ntm.fit({"train": sharded, "validation": f"s3://{bucket}/20newsgroups/val"})
    predictor = ntm.deploy(
        initial_instance_count=1, instance_type="ml.m4.xlarge", serializer=CSVSerializer(),
        deserializer=JSONDeserializer(),
    )  # fmt: skip
    answered = public.weights(predictor.predict(test[:5]))
    sagemaker.Session().delete_endpoint(predictor.endpoint_name)
    return {"answers": [answered], "params": public.decoder(bucket, ntm._current_job_name), "shape": [words, 20]}


def synthetic() -> dict[str, Any]:
    """ntm_synthetic: a channel that is one object, default settings, rows as CSV."""
    session, role, documents = sagemaker.Session(), get_execution_role(), planted()
    bucket = session.default_bucket()
    public.upload(bucket, "ntm_demo/train/ntm.data", packed(documents))
    ntm = sagemaker.estimator.Estimator(
        image_uris.retrieve(region=REGION, framework="ntm"), role, instance_count=1, instance_type="ml.c4.xlarge",
        output_path=f"s3://{bucket}/ntm_demo/output", sagemaker_session=sagemaker.Session(),
    )  # fmt: skip
    ntm.set_hyperparameters(num_topics=5, feature_dim=25)
    ntm.fit({"train": f"s3://{bucket}/ntm_demo/train/ntm.data"})
    predictor = ntm.deploy(initial_instance_count=1, instance_type="ml.m4.xlarge")
    predictor.serializer, predictor.deserializer = CSVSerializer(), JSONDeserializer()
    answered = public.weights(predictor.predict(documents[:10], initial_args={"ContentType": "text/csv"}))
    predictor.delete_model()
    predictor.delete_endpoint()
    return {"answers": [answered]}


def functionality() -> dict[str, Any]:
    """ntm_functionality: boto3 alone, with the role read out of the caller's own name, and the image's tag `latest`."""
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    role = f"{caller.split(':sts::')[0]}:iam::{caller.split(':')[4]}:role/{caller.split('/')[1]}"
    bucket, client, name = (
        "sagemaker-ntm-functionality",
        boto3.client("sagemaker"),
        f"ntm-functionality-{time.time_ns()}",
    )
    boto3.client("s3").create_bucket(Bucket=bucket)
    documents = planted()
    body = packed(documents)
    boto3.Session().resource("s3").Bucket(bucket).Object("ntm/train/ntm.data").upload_fileobj(body)
    image = f"382416733822.dkr.ecr.{REGION}.amazonaws.com/ntm:latest"
    source = {
        "S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/ntm/train/", "S3DataDistributionType": "FullyReplicated",
    }  # fmt: skip
    client.create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.c4.xlarge", "VolumeSizeInGB": 50},
        InputDataConfig=[{
            "ChannelName": "train", "CompressionType": "None", "DataSource": {"S3DataSource": source},
            "RecordWrapperType": "None",
        }],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/ntm/output"},
        HyperParameters={"num_topics": "5", "feature_dim": "25"},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )  # fmt: skip
    client.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
    )
    model_data = client.describe_training_job(TrainingJobName=name)["ModelArtifacts"]["S3ModelArtifacts"]
    client.create_model(
        ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": image, "ModelDataUrl": model_data}
    )
    variant = {
        "InstanceType": "ml.c4.xlarge", "InitialInstanceCount": 1, "ModelName": name, "VariantName": "AllTraffic",
    }  # fmt: skip
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    client.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 100})
    rows = "\n".join(",".join(map(str, row)) for row in documents[:10].tolist())
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, ContentType="text/csv", Body=rows)
    client.delete_endpoint(EndpointName=name)
    return {"answers": [public.weights(json.loads(answer["Body"].read().decode()))]}


def headlines() -> dict[str, Any]:
    """ABC headlines: channels by their address alone, no output path, and an answer that is read by hand."""
    session = sagemaker.Session()
    bucket, rows = session.default_bucket(), public.counts("test")[:600]
    train = public.upload(bucket, "headlines/training/training.protobuf", packed(rows))
    words = session.upload_data(
        path=public.vocabulary(public.FOLDER / "vocab.txt", rows.shape[1]), key_prefix="headlines/input/auxiliary"
    )
    ntm = sagemaker.estimator.Estimator(
        image_uris.retrieve("ntm", REGION), get_execution_role(), instance_count=1, instance_type="ml.p3.2xlarge",
        sagemaker_session=session,
    )  # fmt: skip
    ntm.set_hyperparameters(
        num_topics=10, feature_dim=rows.shape[1], optimizer="adam", mini_batch_size=256, epochs=100,
        num_patience_epochs=10,
    )  # fmt: skip
    ntm.fit(inputs={"train": train, "auxiliary": words})
    predictor = ntm.deploy(initial_instance_count=1, instance_type="ml.t2.large")
    predictor.serializer = CSVSerializer()
    answered = public.weights(json.loads(predictor.predict(rows[:3].astype("float32"))))
    predictor.delete_endpoint()
    return {"answers": [answered], "with_words": ntm.model_data}


def own_test(*, serverless: bool) -> dict[str, Any]:
    """AWS's integration tests: records of a folder as a RecordSet, NTMModel on instances or without."""
    session, rows = sagemaker.Session(), public.counts("test")
    (public.FOLDER / "records").mkdir()
    (public.FOLDER / "records" / "part.pbr").write_bytes(packed(rows).getvalue())
    ntm = NTM(
        role="SageMakerRole", instance_count=1, instance_type="ml.c4.xlarge", num_topics=10, sagemaker_session=session
    )
    place = session.upload_data(path=str(public.FOLDER / "records"), key_prefix="ntm-test")
    ntm.epochs = 2
    ntm.fit(
        records=RecordSet(place, rows.shape[0], rows.shape[1], s3_data_type="S3Prefix"),
        job_name=public.NAME.replace("_", "-"),
    )
    model = NTMModel(ntm.model_data, role="SageMakerRole", sagemaker_session=session)
    if serverless:
        predictor = model.deploy(serverless_inference_config=ServerlessInferenceConfig(), endpoint_name="serverless")
        return {"is_predictor": isinstance(predictor, Predictor)}
    predictor = model.deploy(1, "ml.c4.xlarge", endpoint_name="own-test")
    answered = predictor.predict(np.random.rand(1, rows.shape[1]))
    predictor.delete_endpoint()
    return {"answers": [[list(record.label["topic_weights"].float32_tensor.values) for record in answered]]}


public.run(
    {
        "ntm_20newsgroups": newsgroups,
        "ntm_synthetic": synthetic,
        "ntm_functionality": functionality,
        "abc_headlines": headlines,
        "test_ntm": lambda: own_test(serverless=False),
        "test_ntm_serverless_inference": lambda: own_test(serverless=True),
    }
)
