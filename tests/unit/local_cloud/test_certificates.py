"""What the cloud's certificate authority signs, as OpenSSL judges it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from local_cloud.entrance.certificates import Authority


def handshake(authority: Authority, host: str, *, called: str | None = None) -> None:
    """Let a client that trusts the authority alone connect to the host in memory."""
    client_context = ssl.create_default_context(cadata=authority.pem)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(down, up, server_hostname=called or host)
    server = authority.context(host).wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize(
    "host",
    [
        "sts.us-east-1.amazonaws.com", "s3.amazonaws.com", "my-bucket.s3.us-east-1.amazonaws.com", "amazonaws.com",
        "runtime.sagemaker.eu-west-1.amazonaws.com", f"{'a1' * 16}.lambda-url.us-east-1.on.aws", "s3.us-east-1.api.aws",
    ],
)  # fmt: skip
def test_a_host_of_aws_is_believed(tmp_path: Path, host: str) -> None:
    handshake(Authority(tmp_path), host)


@pytest.mark.parametrize("host", ["example.com", "amazonaws.com.example.com", "notamazonaws.com", "pypi.org"])
def test_another_host_is_not_believed_even_with_a_certificate_of_the_authority(tmp_path: Path, host: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(Authority(tmp_path), host)


def test_a_certificate_is_its_hosts_alone(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(Authority(tmp_path), "sts.amazonaws.com", called="iam.amazonaws.com")


def test_what_another_runs_authority_signed_is_not_believed(tmp_path: Path) -> None:
    other = Authority(tmp_path)
    other_context = Authority(tmp_path).context
    other.context = other_context

    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        handshake(other, "sts.amazonaws.com")


def test_no_key_stays_on_the_disk(tmp_path: Path) -> None:
    handshake(Authority(tmp_path), "sts.amazonaws.com")

    assert list(tmp_path.iterdir()) == []
