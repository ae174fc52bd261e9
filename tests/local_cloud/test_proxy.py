"""The proxy that answers for AWS's hosts, as clients find it that know of nothing else."""

from __future__ import annotations

import base64
import http.server
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from local_cloud import LocalCloud, LocalCloudError, cli
from local_cloud.entrance.certificates import Authority
from tests.local_cloud.support import SETTINGS, Account, invoked, unique, until

pytestmark = [pytest.mark.local_cloud]
FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
STS = "sts.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(home=tmp_path_factory.mktemp("proxied"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def account(cloud: LocalCloud) -> Account:
    return Account(cloud)


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    name = account.role().rsplit("/", maxsplit=1)[-1]
    account.root("iam").attach_role_policy(RoleName=name, PolicyArn=FULL_ACCESS)
    return name


@pytest.fixture(scope="module")
def proxied(cloud: LocalCloud) -> dict[str, str]:
    """The environment of a client that knows of the proxy alone, as an old boto3 does."""
    told = cloud.variables(proxied=True)
    return {"PATH": os.environ["PATH"], **{name: told[name] for name in told if "ENDPOINT_URL" not in name}}


@pytest.fixture(scope="module")
def address(proxied: dict[str, str]) -> tuple[str, int]:
    parts = urlsplit(proxied["HTTPS_PROXY"])
    return str(parts.hostname), int(parts.port or 0)


@pytest.fixture(scope="module")
def credentials(proxied: dict[str, str]) -> str:
    parts = urlsplit(proxied["HTTPS_PROXY"])
    return base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()


def asked(address: tuple[str, int], head: str, credentials: str | None) -> socket.socket:
    """Send the head of a request to the proxy."""
    there = socket.create_connection(address, timeout=20)
    authorization = f"Proxy-Authorization: Basic {credentials}\r\n" if credentials is not None else ""
    there.sendall(f"{head}\r\n{authorization}\r\n".encode())
    return there


def line_of(there: socket.socket) -> str:
    return there.makefile("rb").readline().decode().strip()


CLIENT = """
import boto3, json, sys
s3, name = boto3.client("s3"), sys.argv[1]
s3.create_bucket(Bucket=name)
s3.put_object(Bucket=name, Key="one", Body=b"x" * 9_000_000)
print(json.dumps([
    s3.meta.endpoint_url,
    boto3.client("sts").get_caller_identity()["Account"],
    len(s3.get_object(Bucket=name, Key="one")["Body"].read()),
    boto3.client("sagemaker").list_models()["Models"],
    len(boto3.client("iam").get_policy(PolicyArn=sys.argv[2])),
]))
try:
    boto3.client("sagemaker-runtime").invoke_endpoint(EndpointName="none", Body=b"")
except Exception as error:
    print(type(error).__name__)
"""


def test_a_client_that_asks_aws_itself_is_answered_by_the_cloud(proxied: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, unique("bucket"), FULL_ACCESS], env=proxied, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    told, refused = done.stdout.decode().splitlines()
    assert json.loads(told) == ["https://s3.amazonaws.com", "000000000000", 9_000_000, [], 2]
    assert refused == "ValidationError"


@pytest.mark.parametrize("url", [f"https://{STS}/", f"https://{STS}./", "https://STS.Amazonaws.com/", f"http://{STS}/"])
def test_aws_is_answered_here_however_it_is_called(proxied: dict[str, str], url: str) -> None:
    done = subprocess.run(["curl", "-sS", url], env=proxied, capture_output=True, check=True)

    assert b"<Code>" in done.stdout
    assert b"<RequestId>" in done.stdout


def test_a_signature_is_asked_for_as_it_is_without_the_proxy(proxied: dict[str, str]) -> None:
    stranger = {**proxied, "AWS_SECRET_ACCESS_KEY": "x" * 40}
    ask = "import boto3; boto3.client('iam').list_users()"
    done = subprocess.run([sys.executable, "-c", ask], env=stranger, capture_output=True, check=False)

    assert b"SignatureDoesNotMatch" in done.stderr


def test_a_function_url_is_called_as_the_stack_gives_it(account: Account, proxied: dict[str, str]) -> None:
    functions, name = account.root("lambda"), unique("function")
    code = "def handler(event, context): return {'statusCode': 200, 'body': event.get('rawPath', '')}"
    invoked(functions, code, account.role(service="lambda.amazonaws.com"), name=name)
    url = functions.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    everyone = {"FunctionName": name, "Principal": "*"}
    functions.add_permission(
        **everyone, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    functions.add_permission(
        **everyone, StatementId="function", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    done = subprocess.run(["curl", "-sS", f"{url}health"], env=proxied, capture_output=True, check=True)

    assert done.stdout == b"/health"


def test_a_role_is_what_its_session_says(cloud: LocalCloud, role: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--home", str(cloud.home.root), "env", "--role", role]) == 0
    script = f'{capsys.readouterr().out}\nexec {sys.executable} -c "$1"'
    ask = (
        "import boto3; sts = boto3.client('sts', endpoint_url='https://sts.us-east-1.amazonaws.com');"
        "print(sts.get_caller_identity()['Arn']); boto3.client('sagemaker').list_models();"
        "boto3.client('iam').create_user(UserName='x')"
    )
    done = subprocess.run(
        ["sh", "-c", script, "sh", ask], env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )

    assert done.stdout.decode().strip() == f"arn:aws:sts::000000000000:assumed-role/{role}/SageMaker"
    assert b"AccessDenied" in done.stderr


def test_a_role_that_is_not_there_is_named(cloud: LocalCloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--home", str(cloud.home.root), "env", "--role", "nobody"]) == 2
    assert "account 000000000000 has no role nobody" in capsys.readouterr().err


def test_what_an_earlier_env_left_is_taken_back(
    cloud: LocalCloud, role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in cloud.variables(role=role).items():
        monkeypatch.setenv(name, value)
    cli.main(["--home", str(cloud.home.root), "env"])
    lines = capsys.readouterr().out.splitlines()

    unset = {line.removeprefix("unset ") for line in lines if line.startswith("unset ")}
    assert {"AWS_SESSION_TOKEN", "HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE", "PIP_CERT"} <= unset
    assert not {line.removeprefix("export ").partition("=")[0] for line in lines if line.startswith("export ")} & unset


@pytest.mark.parametrize("given", [None, "", "bG9jYWwtY2xvdWQ6eA=="])
@pytest.mark.parametrize("head", [f"CONNECT {STS}:443 HTTP/1.1", "GET http://127.0.0.1:1/ HTTP/1.1"])
def test_nobody_goes_through_it_without_its_credentials(address: tuple[str, int], head: str, given: str | None) -> None:
    with closing(asked(address, head, given)) as there:
        assert line_of(there) == "HTTP/1.1 407 Proxy Authentication Required"


@pytest.mark.parametrize(
    "head",
    ["GET / HTTP/1.1", "CONNECT sts.amazonaws\uff0ecom:443 HTTP/1.1", "CONNECT a@b:443 HTTP/1.1",
     "CONNECT :443 HTTP/1.1",
     "CONNECT https://sts.amazonaws.com HTTP/1.1", "GET ftp://example.com/ HTTP/1.1", "nothing"],
)  # fmt: skip
def test_what_is_no_request_to_a_proxy_is_refused(address: tuple[str, int], credentials: str, head: str) -> None:
    with closing(asked(address, head, credentials)) as there:
        assert line_of(there) == "HTTP/1.1 400 Bad Request"


@pytest.mark.parametrize("target", ["127.0.0.1:1", "127.0.0.1:99999", "a..b:443", f"{'a' * 64}.invalid:443"])
def test_a_host_that_cannot_be_reached_is_a_bad_gateway(
    address: tuple[str, int], credentials: str, target: str
) -> None:
    with closing(asked(address, f"CONNECT {target} HTTP/1.1", credentials)) as there:
        assert line_of(there) == "HTTP/1.1 502 Bad Gateway"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(20)
        yield made


def test_other_hosts_get_the_bytes_as_they_are(
    address: tuple[str, int], credentials: str, listener: socket.socket
) -> None:
    sent, answered = os.urandom(300_000), os.urandom(300_000)
    with closing(asked(address, f"CONNECT 127.0.0.1:{listener.getsockname()[1]} HTTP/1.1", credentials)) as client:
        there, _ = listener.accept()
        with there, client.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.1 200 Connection established\r\n"
            assert answer.readline() == b"\r\n"
            sending = threading.Thread(target=client.sendall, args=(sent,))
            sending.start()
            assert there.makefile("rb").read(len(sent)) == sent
            sending.join()
            there.sendall(answered)
            there.shutdown(socket.SHUT_WR)
            assert answer.read() == answered


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told = json.dumps([self.path, sorted(self.headers.keys())]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_page_without_tls_is_fetched_and_never_sees_the_credentials(proxied: dict[str, str]) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a?b=c"
        done = subprocess.run(["curl", "-sS", "--noproxy", "", url], env=proxied, capture_output=True, check=True)
        server.shutdown()

    path, headers = json.loads(done.stdout)
    assert path == "/a?b=c"
    assert not [name for name in headers if name.lower().startswith("proxy-")]


def test_the_users_own_proxy_is_gone_by_for_other_hosts_and_never_for_aws(
    cloud: LocalCloud,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    address: tuple[str, int],
    credentials: str,
) -> None:
    for name in ("https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{listener.getsockname()[1]}")
    monkeypatch.setenv("NO_PROXY", "inside.invalid")
    # A second one, in a shell that has the cloud's proxy already, leaves the user's own as it was.
    told = cloud.variables(proxied=True)
    monkeypatch.setenv("HTTPS_PROXY", told["HTTPS_PROXY"])
    assert cloud.variables(proxied=True)["HTTPS_PROXY"] == told["HTTPS_PROXY"]

    with closing(asked(address, "CONNECT pypi.invalid:443 HTTP/1.1", credentials)):
        there, _ = listener.accept()
        with there, there.makefile("rb") as lines:
            head = [lines.readline().decode().strip() for _ in range(2)]
    with closing(asked(address, "CONNECT inside.invalid:443 HTTP/1.1", credentials)) as client:
        assert line_of(client) == "HTTP/1.1 502 Bad Gateway"
    with closing(asked(address, f"CONNECT {STS}:443 HTTP/1.1", credentials)) as client:
        assert line_of(client) == "HTTP/1.1 200 Connection established"

    monkeypatch.setenv("HTTPS_PROXY", "")
    cloud.variables(proxied=True)
    assert head == [
        "CONNECT pypi.invalid:443 HTTP/1.1", f"Proxy-Authorization: Basic {base64.b64encode(b'me:secret').decode()}"
    ]  # fmt: skip


def test_a_proxy_of_another_kind_is_refused_by_a_sentence(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")

    with pytest.raises(LocalCloudError, match="HTTPS_PROXY is no http://host:port"):
        cloud.variables(proxied=True)


def test_awss_names_are_let_in_from_the_proxy_alone(cloud: LocalCloud) -> None:
    done = subprocess.run(
        ["curl", "-sS", "-H", f"Host: {STS}", cloud.endpoint_url], capture_output=True, check=True, env={}
    )

    assert json.loads(done.stdout)["__type"] == "ForeignHost"


def test_no_key_of_its_authority_is_in_a_file_and_its_folder_is_the_owners(
    cloud: LocalCloud, proxied: dict[str, str]
) -> None:
    bundle = Path(proxied["AWS_CA_BUNDLE"])

    assert stat.S_IMODE(bundle.parent.stat().st_mode) == 0o700
    assert sorted(file.name for file in bundle.parent.iterdir()) == ["authority.pem", "trusted.pem"]
    assert not [file for file in bundle.parent.iterdir() if b"PRIVATE KEY" in file.read_bytes()]


def test_it_ends_with_its_cloud_and_leaves_nothing(tmp_path: Path) -> None:
    with LocalCloud(home=tmp_path / "home", settings=SETTINGS) as short:
        told = short.variables(proxied=True)
        assert Path(told["AWS_CA_BUNDLE"]).is_file()

    parts = urlsplit(told["HTTPS_PROXY"])
    assert not Path(told["AWS_CA_BUNDLE"]).parent.exists()
    # MiniStack's Cognito keeps a key that signs its tokens, and nothing of the proxy's.
    left = [file for file in (tmp_path / "home").rglob("*") if file.is_file() and not file.match("cognito-*.pem")]
    assert left
    secrets = (b"PRIVATE KEY", str(parts.password).encode())
    assert not [file for file in left if any(secret in file.read_bytes() for secret in secrets)]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=5)


def test_without_the_proxy_nothing_that_is_meant_for_aws_is_sent(
    cloud: LocalCloud, listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []
    stranger = Authority(tmp_path).context("sts.amazonaws.com")

    def receive() -> None:
        while True:
            try:
                there, _ = listener.accept()
                with stranger.wrap_socket(there, server_side=True) as told:
                    received.append(told.recv(65_536))
            except ssl.SSLError:
                received.append(b"")
            except OSError:
                return

    threading.Thread(target=receive, daemon=True).start()
    for name, value in cloud.variables().items():
        monkeypatch.setenv(name, value)
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    sts = boto3.client("sts", endpoint_url=url, config=Config(retries={"max_attempts": 0}, read_timeout=20))

    with pytest.raises(SSLError, match="certificate verify failed"):
        sts.get_caller_identity()
    assert until(lambda: set(received)) == {b""}
