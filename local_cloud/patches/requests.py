"""Requests: over plain HTTP as if over TLS, and with answers whose content type is the container's."""

from __future__ import annotations

from collections.abc import Callable

from local_cloud.shared import private_names
from local_cloud.shared.emulator import Headers


def install_early() -> None:
    """Put right what is used from the first request on."""
    private_names.DATA_PLANE_ORIGIN.wrap(_always_secure)
    for fix in (private_names.FIX_SUCCESS_TYPE, private_names.FIX_ERROR_TYPE):
        fix.wrap(_except_ours)


def _always_secure(original: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    # Policies deny aws:SecureTransport=false. The emulator's one listener is on the loopback interface, where
    # plain HTTP stands for the TLS that AWS endpoints have.
    def pinned(source_ip: str, _: bool) -> None:
        original(source_ip, True)

    return pinned


def _except_ours(original: Callable[[str, int, Headers], None]) -> Callable[[str, int, Headers], None]:
    # Content types are corrected by a service's name. SageMaker's runtime shares its name with the control plane,
    # and the type of its answers is the container's.
    def fixed(service: str, status: int, headers: Headers) -> None:
        if service != "sagemaker":
            original(service, status, headers)

    return fixed
