"""Whoever is not the developer: another user of the machine, a rebound name, a guessed or a public key."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud import LocalCloud, cli
from local_cloud.entrance.gate import TOKEN_HEADER
from local_cloud.launcher import refuse_open_port
from local_cloud.running import shell_exports
from local_cloud.shared.settings import PROJECT_ROOT
from tests.local_cloud.support import SETTINGS, Account, allow, invoked, root_of, unique

pytestmark = pytest.mark.local_cloud

Sent = tuple[int, dict[str, str], bytes]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CREATE_USER = b"Action=CreateUser&UserName=intruder&Version=2010-05-08"
SERVICES = {
    "sts": ("get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    "iam": ("list_users", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    "cloudformation": ("list_stacks", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    "sqs": ("list_queues", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    "s3": ("list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    "lambda": ("list_functions", "UnrecognizedClientException", "InvalidSignatureException"),
    "ssm": ("describe_parameters", "UnrecognizedClientException", "InvalidSignatureException"),
    "sagemaker": ("list_models", "UnrecognizedClientException", "InvalidSignatureException"),
    "application-autoscaling": ("list_tags_for_resource", "UnrecognizedClientException", "InvalidSignatureException"),
    "s3vectors": ("list_vector_buckets", "UnrecognizedClientException", "InvalidSignatureException"),
}
ARGUMENTS: dict[str, dict[str, str]] = {"list_tags_for_resource": {"ResourceARN": "arn:aws:x:y:z:scalable-target/t"}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One of its own: these tests would wipe it if they could."""
    with LocalCloud(home=tmp_path_factory.mktemp("guarded"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def account(cloud: LocalCloud) -> Account:
    return Account(cloud)


@pytest.fixture
def send(cloud: LocalCloud, account: Account) -> Callable[..., Sent]:
    """Send any request as it is given, and see that it has made no user."""

    def sent(
        method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(cloud.endpoint_url).port or 0, timeout=30)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            seen = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()
        assert account.root("iam").list_users()["Users"] == []
        return seen

    return sent


def refusal(client: Any, service: str) -> str:
    operation = SERVICES[service][0]
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**ARGUMENTS.get(operation, {}))
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("key", ["test", "000000000000", "111122223333", "AKIAIOSFODNN7EXAMPLE"])
def test_a_key_that_nobody_made_here_is_refused_in_the_services_words(account: Account, service: str, key: str) -> None:
    assert refusal(account.client(service, key, "test"), service) == SERVICES[service][1]


@pytest.mark.parametrize("service", SERVICES)
def test_the_roots_key_with_a_wrong_secret_is_refused_in_the_services_words(
    account: Account, cloud: LocalCloud, service: str
) -> None:
    key = cloud.variables()["AWS_ACCESS_KEY_ID"]

    assert refusal(account.client(service, key, "wrong"), service) == SERVICES[service][2]


def test_each_account_has_a_root_of_its_own(account: Account, cloud: LocalCloud) -> None:
    other = cloud.variables("111122223333")
    theirs = other["AWS_ACCESS_KEY_ID"], other["AWS_SECRET_ACCESS_KEY"]

    identity = account.client("sts", *theirs).get_caller_identity()

    assert (identity["Account"], identity["Arn"]) == ("111122223333", "arn:aws:iam::111122223333:root")
    assert account.root("sts").get_caller_identity()["Account"] == "000000000000"
    mine = cloud.variables()["AWS_SECRET_ACCESS_KEY"]
    assert refusal(account.client("sts", theirs[0], mine), "sts") == "SignatureDoesNotMatch"


def test_another_run_has_other_keys(cloud: LocalCloud, account: Account, tmp_path: Path) -> None:
    with LocalCloud(home=tmp_path, settings=SETTINGS) as other:
        theirs = other.variables()

    assert refusal(
        account.client("sts", theirs["AWS_ACCESS_KEY_ID"], theirs["AWS_SECRET_ACCESS_KEY"]), "sts"
    ) == "InvalidClientTokenId"  # fmt: skip
    assert theirs["AWS_SECRET_ACCESS_KEY"] != cloud.variables()["AWS_SECRET_ACCESS_KEY"]
    assert not other.home.keys.exists()


QUERY_KEYS = [
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}/20260101/us-east-1/{service}/aws4_request"
    "&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00",
    "X-Amz-Credential={key}/20260101/us-east-1/{service}/aws4_request",
    "x-amz-credential={key}/20260101/us-east-1/{service}/aws4_request",
    "AWSAccessKeyId={key}&Signature=x&Expires=9999999999",
    "AWSAccessKeyId={key}",
]


@pytest.mark.parametrize("query", QUERY_KEYS)
@pytest.mark.parametrize("key", ["test", "000000000000", "", "root"])
def test_credentials_in_a_query_are_worth_what_their_signature_is(
    send: Callable[..., Sent], cloud: LocalCloud, query: str, key: str
) -> None:
    key = cloud.variables()["AWS_ACCESS_KEY_ID"] if key == "root" else key
    iam, s3 = (query.format(key=key, service=service) for service in ("iam", "s3"))

    for body, headers in ((CREATE_USER, FORM), (CREATE_USER, {"Content-Type": "text/plain"}), (b"", {})):
        assert send("POST", f"/?{CREATE_USER.decode()}&{iam}", body, headers)[0] in range(400, 500)
    assert send("PUT", f"/intruders-bucket?{s3}", b"")[0] in range(400, 500)
    assert send("POST", f"/v2/intruder/blobs/uploads/?{s3}", b"")[0] in range(400, 500)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer x",
        "Basic dGVzdDp0ZXN0",
        "AWS test:x",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-ECDSA-P256-SHA256 Credential=test/20260101/iam/aws4_request, SignedHeaders=host, Signature=00",
    ],
)
def test_an_authorization_that_is_no_signature_is_none(send: Callable[..., Sent], authorization: str) -> None:
    told = {"Authorization": authorization, "X-Amz-Date": "20260101T000000Z"}

    assert send("POST", "/", CREATE_USER, {**FORM, **told})[0] in range(400, 500)
    assert send("PUT", "/intruders-bucket", b"", told)[0] in range(400, 500)
    assert send("POST", "/", b"{}", {**told, "X-Amz-Target": "SageMaker.ListModels"})[0] in range(400, 500)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("POST", "/_ministack/rds/iam-auth"),
        ("POST", "/_ministack/eks-auth/x"),
        ("GET", "/_ministack/ready"),
        ("GET", "/_ministack/lambda-code/000000000000/us-east-1/f"),
        ("GET", "/_ministack/lambda-layers/l/1/content"),
        ("GET", "/_ministack/iot/ca.pem"),
        ("POST", "/_local_cloud/clock"),
        ("POST", "/_local_cloud/interruptions"),
        ("POST", "/_local_cloud/rollbacks"),
        ("POST", "/_local_cloud/sessions"),
        ("POST", "/_local_cloud/stack-roles"),
        ("GET", "/_localstack/health"),
        ("GET", "/_aws/ses/messages"),
        ("GET", "/_aws/sqs/messages?QueueUrl=x"),
        ("GET", "/_aws/execute-api/abcd1234/dev/x"),
        ("GET", "/restapis/abcd1234/dev/_user_request_/x"),
        ("GET", "/_alb/x/y"),
        ("POST", "/oauth2/token"),
        ("GET", "/oauth2/authorize"),
        ("POST", "/login"),
        ("GET", "/pool/.well-known/jwks.json"),
        ("GET", "/v2/"),
        ("POST", "/v2/repository/blobs/uploads/"),
        ("POST", "/v1/apis/x/graphql"),
        ("GET", "/iceberg/v1/config"),
        ("POST", "/WriteGetObjectResponse"),
        ("GET", "/health"),
        ("GET", "/"),
        ("GET", "/a-bucket/key"),
        ("PUT", "/a-bucket"),
        ("OPTIONS", "/a-bucket/key"),
    ],
)
def test_nothing_but_health_is_told_to_who_brings_no_credentials(
    send: Callable[..., Sent], method: str, path: str
) -> None:
    status, headers, _ = send(method, path, b"" if method != "GET" else None)

    assert status == HTTPStatus.FORBIDDEN
    assert not [name for name in headers if name.startswith("access-control-")]


def test_with_the_token_of_the_run_a_control_path_works(cloud: LocalCloud, account: Account) -> None:
    account.root("sqs").create_queue(QueueName="soon-gone")
    request = urllib.request.Request(
        cloud.endpoint_url + "/_ministack/reset", b"", {TOKEN_HEADER: cloud.running.keys().token}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer) == {"reset": "ok"}

    # The root's key still works.
    assert account.root("sqs").list_queues().get("QueueUrls", []) == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "s3.amazonaws.com"])
def test_another_name_for_the_same_address_is_refused_though_the_request_is_signed(
    cloud: LocalCloud, send: Callable[..., Sent], host: str
) -> None:
    port = urlsplit(cloud.endpoint_url).port
    status, _, body = send("GET", "/_ministack/health", headers={"Host": host.format(port=port)})

    assert (status, json.loads(body)["__type"]) == (HTTPStatus.FORBIDDEN, "ForeignHost")


@pytest.mark.parametrize(
    ("endpoint", "style", "host"),
    [
        ("localhost", "path", "localhost"),
        ("localhost", "virtual", "named-bucket.localhost"),
        ("s3.localhost", "virtual", "named-bucket.s3.localhost"),
        ("s3.us-east-1.localhost", "virtual", "named-bucket.s3.us-east-1.localhost"),
    ],
)
def test_buckets_are_reached_by_the_names_that_a_real_client_uses(  # noqa: PLR0917 - fixtures and parameters
    cloud: LocalCloud, account: Account, send: Callable[..., Sent], endpoint: str, style: str, host: str
) -> None:
    port = urlsplit(cloud.endpoint_url).port
    client = boto3.client(
        "s3", endpoint_url=f"http://{endpoint}:{port}", region_name="us-east-1", **root_of(cloud),
        config=Config(s3={"addressing_style": style}, signature_version="s3v4"),
    )  # fmt: skip
    account.root("s3").create_bucket(Bucket="named-bucket")
    asked = {"Bucket": "named-bucket", "Key": "a b/\u00fc+"}
    put, get = (urlsplit(client.generate_presigned_url(operation, asked)) for operation in ("put_object", "get_object"))

    # Sent to the address that these names stand for, which not every system's resolver knows.
    stored = send("PUT", f"{put.path}?{put.query}", b"x", {"Host": put.netloc})
    read = send("GET", f"{get.path}?{get.query}", headers={"Host": get.netloc})

    assert {put.netloc, get.netloc} == {f"{host}:{port}"}
    assert (stored[0], read[0], read[2]) == (HTTPStatus.OK, HTTPStatus.OK, b"x")


def test_a_presigned_request_of_the_root_is_good_and_a_changed_one_is_not(account: Account) -> None:
    s3, bucket = account.root("s3"), unique("presigned")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"x")
    s3.put_object(Bucket=bucket, Key="other", Body=b"y")
    good = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/ü"})
    changed = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"}).replace("/x?", "/other?")

    with urllib.request.urlopen(good, timeout=30) as answer:
        assert answer.read() == b"x"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(changed, timeout=30)


def test_a_functions_credentials_cannot_be_computed_from_its_name(account: Account) -> None:
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    code = (
        "import os\n"
        "def handler(event, context):\n"
        "    return {'arn': context.invoked_function_arn, **{n: os.environ['AWS_' + n] for n in\n"
        "            ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN')}}\n"
    )
    told = invoked(account.root("lambda"), code, role)

    digest = hashlib.sha256(f"{told['arn']}:{role}".encode()).hexdigest()
    assert told["ACCESS_KEY_ID"] != f"ASIA{digest[:16].upper()}"
    used = account.client("sts", told["ACCESS_KEY_ID"], told["SECRET_ACCESS_KEY"], told["SESSION_TOKEN"])
    assert f":assumed-role/{role.rsplit('/', 1)[-1]}/" in used.get_caller_identity()["Arn"]
    guess = account.client(
        "sts", f"ASIA{digest[:16].upper()}", hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )  # fmt: skip
    assert refusal(guess, "sts") == "InvalidClientTokenId"


@pytest.mark.parametrize("key", ["test", "000000000000"])
def test_a_function_url_takes_no_key_of_the_emulators_own(
    account: Account, cloud: LocalCloud, send: Callable[..., Sent], key: str
) -> None:
    role = account.role(allow("*"), service="lambda.amazonaws.com")
    functions = account.root("lambda")
    name = unique("signed")
    invoked(functions, "def handler(event, context):\n    return 'reached'\n", role, name=name)
    made = functions.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    url = cloud.function_url(made)
    public = urlsplit(made).hostname or ""
    address, headers = url.signed("GET", "/", b"", {}, {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": "test"})
    path = urlsplit(address).path

    assert send("GET", path, headers=headers)[0] == HTTPStatus.FORBIDDEN
    assert send("GET", path, headers={"Authorization": "Bearer x"})[0] == HTTPStatus.FORBIDDEN
    query = QUERY_KEYS[0].format(key=key, service="lambda")
    assert send("GET", f"{path}?{query}")[0] == HTTPStatus.FORBIDDEN
    # Its own host is a function's throughout: no path of it is one of the emulator's.
    for each in ("/", "/_local_cloud/clock", "/_ministack/reset", "/v2/", "/health"):
        assert send("POST", each, b"", {"Host": public})[0] == HTTPStatus.FORBIDDEN
    good, headers = url.signed("GET", "/", b"", {}, cloud.variables())
    assert send("GET", urlsplit(good).path, headers=headers)[2] == b"reached"


def test_its_keys_are_in_files_for_their_owner_alone(account: Account, cloud: LocalCloud) -> None:
    account.root("sts").get_caller_identity()
    variables, keys = cloud.variables(), cloud.running.keys()
    secrets = [variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], keys.token, keys.seed.hex()]
    holding = [
        file
        for file in cloud.home.root.rglob("*")
        if file.is_file() and any(secret.encode() in file.read_bytes() for secret in secrets)
    ]

    assert holding == [cloud.home.keys]
    assert stat.S_IMODE(cloud.home.keys.stat().st_mode) == 0o600
    folders = [cloud.home.work, cloud.home.state, cloud.home.cdk]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * len(folders)


def test_no_process_tells_the_keys_in_its_arguments(cloud: LocalCloud) -> None:
    keys = cloud.running.keys()
    told = (
        Path(f"/proc/{cloud.running.pid}/cmdline").read_bytes()
        + Path(f"/proc/{cloud.running.pid}/environ").read_bytes()
    )

    assert keys.seed.hex().encode() not in told
    assert keys.token.encode() not in told


def test_it_listens_on_loopback_alone(account: Account, cloud: LocalCloud) -> None:
    assert account.root("sts").get_caller_identity()
    listening = {
        line.split()[1].split(":")[0]
        for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
        for line in table.read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in _inodes(cloud.running.pid)
    }

    assert listening == {"0100007F"}


def _inodes(pid: int) -> set[str]:
    targets = [entry.readlink().name for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()]
    return {target.removeprefix("socket:[").removesuffix("]") for target in targets if target.startswith("socket:[")}


@pytest.mark.parametrize("address", ["0.0.0.0", "", "::", "192.0.2.1", "evil.example"])
def test_a_port_that_other_machines_reach_is_not_opened(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        with pytest.raises(PermissionError, match="loopback addresses only"):
            refuse_open_port("socket.bind", (listener, (address, 0)))
        refuse_open_port("socket.bind", (listener, ("::1" if ":" in address else "127.0.0.1", 0)))


@pytest.mark.parametrize(
    "name", ["x$(touch INJ)", "a b  c", "it's", 'say "so"', "one\ntwo", "`touch INJ`;touch INJ", "$HOME", "ü*?"]
)
def test_a_shell_takes_the_exports_as_they_are_whatever_a_folder_is_called(tmp_path: Path, name: str) -> None:
    variables = {"AWS_CONFIG_FILE": str(tmp_path / name), "CDK_HOME": name}
    script = 'eval "$1"; printf "%s\\0%s" "$AWS_CONFIG_FILE" "$CDK_HOME"'

    told = subprocess.run(
        ["sh", "-c", script, "sh", shell_exports(variables)], cwd=tmp_path, capture_output=True, check=True
    ).stdout

    assert told.decode().split("\0") == list(variables.values())
    assert list(tmp_path.iterdir()) == []


def test_a_second_terminal_takes_the_variables_of_a_cloud_in_a_folder_with_any_name(tmp_path: Path) -> None:
    # The last is a byte that is no text.
    home = tmp_path / "x$(touch INJ) it's\n`touch INJ`\udcff"
    script = 'eval "$("$0" -m local_cloud --home "$1" env)" && cd "$2" && "$0" -c "$3"'
    ask = (
        "import boto3, os; print(boto3.client('sts').get_caller_identity()['Account'], flush=True);"
        "os.write(1, os.environb[b'CDK_HOME'])"
    )
    with LocalCloud(home=home, settings=SETTINGS):
        done = subprocess.run(
            ["sh", "-c", script, sys.executable, str(home), str(tmp_path), ask],
            cwd=PROJECT_ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            check=False,
        )

    assert done.stderr == b""
    assert done.stdout == b"000000000000\n" + os.fsencode(home / "cdk-home")
    assert not [file for folder in (PROJECT_ROOT, tmp_path, home) for file in folder.glob("INJ")]


@pytest.mark.parametrize("account", ["", "1", "11112222333a", "1111222233334", "\u0661" * 12])
def test_an_account_that_is_none_is_told(account: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["env", "--account", account])

    assert f"{account!r} is no account: 12 digits" in capsys.readouterr().err


def test_pythons_own_sockets_are_held_to_loopback_where_the_hook_is_set() -> None:
    code = (
        "import asyncio, socket, sys\n"
        "from local_cloud.launcher import refuse_open_port\n"
        "sys.addaudithook(refuse_open_port)\n"
        "async def opened(host):\n"
        "    try:\n"
        "        (await asyncio.start_server(lambda *_: None, host, 0)).close()\n"
        "    except PermissionError:\n"
        "        return 'refused'\n"
        "    return 'open'\n"
        "print([asyncio.run(opened(host)) for host in ('0.0.0.0', '127.0.0.1')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)

    assert done.stdout == "['refused', 'open']\n", done.stderr
