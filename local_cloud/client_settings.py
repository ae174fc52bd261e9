"""What clients are told besides addresses and keys: by the SDK's configuration file, and by a proxy's variables."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local_cloud.entrance.proxy import USER
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import PROJECT_ROOT, REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.shared.paths import Home

TRUSTING_NOBODY = PROJECT_ROOT / "local_cloud" / "entrance" / "nobody.pem"
LOOPBACK = "127.0.0.1,localhost,::1"
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")
"""Where clients look for the certificates that they trust: requests, curl, OpenSSL, pip and Node."""
SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Debian's, Fedora's, macOS's."""


def sagemaker_config(place: Home, account: str, *, proxied: bool = False) -> Path:
    """Write the SDK's configuration file for an account, and return it: the default bucket, and no telemetry.

    The SDK would ask STS at its public address for the account's number. Older ones, as 2.163, refuse a file that
    names telemetry: behind the proxy, where it stays on the machine, the file leaves it out.
    """
    modules: dict[str, object] = {"Session": {"DefaultS3Bucket": f"sagemaker-{REGION}-{account}"}}
    if not proxied:
        modules["TelemetryOptOut"] = True
    config = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": modules}}}
    file = place.aws_config.with_name(f"sagemaker-{account}{'-proxied' if proxied else ''}.yaml")
    # JSON is YAML.
    file.write_text(json.dumps(config, indent=1) + "\n")
    return file


def users_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the cloud's proxy is told of the user's own: nothing new where the cloud's is in its place already.

    Raises:
        LocalCloudError: it is of a kind that the cloud's proxy cannot use.
    """
    own = _either(environment, "HTTPS_PROXY")
    if urlsplit(own).username == USER:
        return {}
    if own and (urlsplit(own).scheme != "http" or not urlsplit(own).hostname):
        raise LocalCloudError("HTTPS_PROXY is no http://host:port, which is what the local cloud's proxy can go by")
    return {"proxy": own, "without": _either(environment, "NO_PROXY")}


def proxy_variables(place: Home, address: str, authority: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what sends a client's requests through the cloud's proxy, and lets it trust what answers there.

    Raises:
        LocalCloudError: no certificates that this machine trusts are found.
    """
    bundle = authority.with_name("trusted.pem")
    bundle.write_text(_trusted(place, environment) + authority.read_text())
    proxies = {"HTTP_PROXY": address, "HTTPS_PROXY": address, "NO_PROXY": LOOPBACK}
    return {
        **proxies,
        # curl knows one of them in lower case only, and some programs prefer those.
        **{name.lower(): value for name, value in proxies.items()},
        **dict.fromkeys(TRUST, str(bundle)),
        # botocore asks AWS alone, and so trusts nobody but the cloud: around the proxy, nothing of it is sent.
        "AWS_CA_BUNDLE": str(authority),
    }


def leftovers(place: Home, environment: Mapping[str, str], variables: Mapping[str, str]) -> list[str]:
    """Return the variables of an earlier `env` that would mislead a client that is given `variables`."""
    ours = (f"http://{USER}:", str(place.works))
    stale = [name for name, value in environment.items() if value.startswith(ours) and name not in variables]
    return [*stale, *({"AWS_SESSION_TOKEN"} - variables.keys())]


def _trusted(place: Home, environment: Mapping[str, str]) -> str:
    candidates = [environment.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")]
    candidates += [ssl.get_default_verify_paths().cafile or "", *SYSTEM_BUNDLES]
    for candidate in candidates:
        # A cloud's own of an earlier `env` says nothing of what the machine trusts.
        if candidate and Path(candidate).is_file() and not Path(candidate).resolve().is_relative_to(place.root):
            return Path(candidate).read_text(errors="replace") + "\n"
    raise LocalCloudError("no certificates that this machine trusts are found: name their file in SSL_CERT_FILE")


def _either(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.lower()) or environment.get(name, "")
