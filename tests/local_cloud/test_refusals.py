"""What is not emulated, and what is not allowed, says so by name."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.local_cloud.support import FORECAST, Account, allow, deny, unique

if TYPE_CHECKING:
    from local_cloud import LocalCloud

pytestmark = pytest.mark.local_cloud


def code(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refusal.value.response["Error"]["Code"])


def test_an_operation_that_is_not_emulated_names_itself_and_what_is(sagemaker: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        sagemaker.list_pipelines()

    assert code(refusal) == "NotImplementedException"
    assert "sagemaker:ListPipelines is not emulated by the local cloud" in str(refusal.value)
    assert "CreateTrainingJob" in str(refusal.value)


def test_so_does_one_of_application_auto_scaling_and_of_the_runtime(account: Account, runtime: Any) -> None:
    with pytest.raises(ClientError, match="application-autoscaling:GetPredictiveScalingForecast is not emulated"):
        account.root("application-autoscaling").get_predictive_scaling_forecast(**FORECAST)
    with pytest.raises(ClientError, match="async-invocations is not emulated"):
        runtime.invoke_endpoint_async(EndpointName="e", InputLocation="s3://b/k")


@pytest.mark.parametrize(
    ("target", "body", "error"),
    [
        ("SageMaker.Nonsense", b"{}", "UnknownOperationException"),
        ("SageMaker.ListModels", b"not json", "SerializationException"),
        ("SageMaker.ListModels", b"[]", "SerializationException"),
        ("SageMaker.ListModels", b'{"MaxResults": "ten"}', "SerializationException"),
    ],
)
def test_a_malformed_request_is_refused_with_the_protocols_error(
    cloud: LocalCloud, account: Account, target: str, body: bytes, error: str
) -> None:
    status, answer = signed(cloud, account, "/", body, {"X-Amz-Target": target})

    assert (status, json.loads(answer)["__type"]) == (400, error)


def signed(
    cloud: LocalCloud, account: Account, path: str, body: bytes, headers: dict[str, str], *, client: Any = None
) -> tuple[int, bytes]:
    keys = (client or account.root("sagemaker"))._request_signer._credentials
    request = AWSRequest(method="POST", url=cloud.endpoint_url + path, data=body, headers=headers)
    SigV4Auth(keys, "sagemaker", "us-east-1").add_auth(request)
    sent = urllib.request.Request(request.url, body, headers=dict(request.headers), method="POST")
    try:
        with urllib.request.urlopen(sent) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def test_a_caller_cannot_name_another_action_than_the_one_it_performs(cloud: LocalCloud, account: Account) -> None:
    client = account.user(allow("sagemaker:DescribeEndpoint"))("sagemaker")
    for path in ("/endpoints/e/invocations?Action=DescribeEndpoint", "/endpoints/e/invocations"):
        status, answer = signed(cloud, account, path, b"1", {"Content-Type": "text/csv"}, client=client)

        assert status == 400
        assert "not authorized to perform: sagemaker:InvokeEndpoint" in json.loads(answer)["Message"]


@pytest.mark.parametrize(
    ("operation", "request_", "resource"),
    [
        ("describe_training_job", {"TrainingJobName": "Job"}, "training-job/Job"),
        ("describe_endpoint", {"EndpointName": "Ep"}, "endpoint/ep"),
        ("delete_model", {"ModelName": "M"}, "model/m"),
        ("list_tags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m"}, "model/m"),
        ("list_models", {}, "*"),
    ],
)
def test_each_operation_is_allowed_on_its_resource(
    account: Account, operation: str, request_: dict[str, str], resource: str
) -> None:
    arn = resource if resource == "*" else f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"
    call = getattr(account.user()("sagemaker"), operation)
    with pytest.raises(ClientError) as refusal:
        call(**request_)
    assert code(refusal) == "AccessDeniedException"
    assert f"on resource: {arn} because no identity-based policy allows" in str(refusal.value)

    allowed = getattr(account.user(allow("sagemaker:*", resource=arn))("sagemaker"), operation)
    try:
        allowed(**request_)
    except ClientError as error:
        assert error.response["Error"]["Code"] != "AccessDeniedException"  # noqa: PT017 - it may be missing


def test_an_explicit_deny_wins(account: Account) -> None:
    client = account.user(allow("sagemaker:*"), deny("sagemaker:ListModels"))("sagemaker")

    client.list_endpoints()
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        client.list_models()


def test_a_bucket_policy_that_asks_for_tls_lets_the_cloud_in(account: Account) -> None:
    s3, name = account.root("s3"), unique("tls")
    s3.create_bucket(Bucket=name)
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    statement = {
        **deny("s3:*", resource=arns), "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    client = account.user(allow("s3:PutObject", resource=arns))("s3")
    assert client.put_object(Bucket=name, Key="k", Body=b"x")["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("ending", "allowed"), [("", False), (":*", True)])
def test_policies_name_a_log_group_with_its_streams(account: Account, ending: str, allowed: bool) -> None:
    group = unique("group")
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}{ending}"
    logs = account.user(allow("logs:CreateLogGroup", "logs:CreateLogStream", resource=arn))("logs")

    if allowed:
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="one")
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            logs.create_log_group(logGroupName=group)
