"""A Service Fabric cluster, whose endpoint is known by its certificate's thumbprint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .host import Host

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport

_SEPARATORS = re.compile(r"[\s:]")
_SHA_1 = re.compile(r"[0-9A-Fa-f]{40}")


def problem(environ: Mapping[str, str]) -> str:
    """What is wrong with the endpoint or the thumbprint, if anything is."""
    endpoint = environ["IDENTITY_ENDPOINT"]
    if urlsplit(endpoint).scheme.lower() != "https":
        return f"Service Fabric's IDENTITY_ENDPOINT {endpoint} is not https, so its certificate cannot be checked."
    if not _SHA_1.fullmatch(_thumbprint(environ)):
        return "IDENTITY_SERVER_THUMBPRINT is not the SHA-1 thumbprint of a certificate: 40 hexadecimal digits."
    return ""


def settings(environ: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """A transport that trusts this certificate and no other, with any signature. A failure is not retried."""
    return {} if "transport" in given else {"transport": pinned(_thumbprint(environ), **given), "retry_total": 0}


def pinned(thumbprint: str, **keywords: Any) -> RequestsTransport:
    """A transport that talks only to the holder of the certificate with this SHA-1 thumbprint.

    Keywords are those of azure-core's ``RequestsTransport``, such as ``read_timeout`` (seconds).
    """
    from azure.core.pipeline.transport import RequestsTransport
    from requests import Session
    from requests.adapters import HTTPAdapter

    class PinnedAdapter(HTTPAdapter):
        """Lets urllib3 compare the fingerprint, and nothing else."""

        def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
            super().init_poolmanager(*arguments, **keywords, assert_fingerprint=thumbprint)

        def proxy_manager_for(self, proxy: Any, **keywords: Any) -> Any:
            return super().proxy_manager_for(proxy, **keywords, assert_fingerprint=thumbprint)

        def send(self, request: Any, **keywords: Any) -> Any:  # type: ignore[override]
            return super().send(request, **{**keywords, "verify": False})

    session = Session()
    session.adapters.clear()
    session.mount("https://", PinnedAdapter())
    return RequestsTransport(**{**keywords, "session": session, "session_owner": True})


def _thumbprint(environ: Mapping[str, str]) -> str:
    return _SEPARATORS.sub("", environ["IDENTITY_SERVER_THUMBPRINT"])


HOST = Host(
    name="Service Fabric",
    endpoint="IDENTITY_ENDPOINT",
    secret=("Secret", "IDENTITY_HEADER"),
    headers={},
    parameters={"api-version": "2019-07-01-preview"},
    selectors={},  # the cluster's configuration chooses
    takes_refused_token=True,
    problem=problem,
    settings=settings,
)
