"""AKS's token proxy, through which the pods of an identity binding ask for tokens."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.transport import RequestsTransport
from requests import Session
from requests.adapters import HTTPAdapter

PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"
SNI_NAME = "AZURE_KUBERNETES_SNI_NAME"
CA_FILE = "AZURE_KUBERNETES_CA_FILE"
CA_DATA = "AZURE_KUBERNETES_CA_DATA"
_OPTIONS = ("connection_timeout", "read_timeout", "connection_data_block_size", "use_env_settings")


class _TokenProxyTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads it late, so it is Any
    """Trusts the cluster's certificate authority alone, and knows the proxy by a name that its address has not.

    Kubernetes replaces the authority's file while the pod runs, so it is read again for each request; as long as it
    cannot be read, the authority known so far remains.

    :param name: the name in the proxy's certificate; empty if it is that of its address.
    :param file: the file with the authority's certificate, None if there is no such file.
    :param data: the certificate itself as PEM; without either, the machine's own authorities are trusted.
    :raises ValueError: the certificate cannot be read.

    Keywords are those of azure-core's ``RequestsTransport``.
    """

    def __init__(self, name: str, file: Path | None, data: str, **keywords: Any) -> None:
        self._proxy_session = Session()
        self._proxy_session.trust_env = keywords.get("use_env_settings", True)
        super().__init__(session=self._proxy_session, session_owner=True, **keywords)
        self._name = name
        self._file = file
        self._trusted = _certificate(file) if file else data
        self._mount()

    def send(self, request: Any, **keywords: Any) -> Any:
        """Send a request, with the authority as it is now."""
        if self._file:
            try:
                current = _certificate(self._file)
            except ValueError:
                current = self._trusted
            if current != self._trusted:
                self._trusted = current
                self._mount()
        return super().send(request, **keywords)

    def _mount(self) -> None:
        try:
            context = ssl.create_default_context(cadata=self._trusted or None)
        except ssl.SSLError as error:
            raise ValueError(f"{CA_FILE if self._file else CA_DATA} holds no certificate in PEM format.") from error
        self._proxy_session.mount("https://", _Adapter(context, self._name))


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._settings: dict[str, Any] = {"ssl_context": context}
        if name:
            self._settings |= {"server_hostname": name, "assert_hostname": name}
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **keywords: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **keywords, **self._settings)

    def proxy_manager_for(self, proxy: Any, **keywords: Any) -> Any:
        return super().proxy_manager_for(proxy, **keywords, **self._settings)

    def send(self, request: Any, **keywords: Any) -> Any:  # type: ignore[override]
        return super().send(request, **{**keywords, "verify": True})  # no bundle of somebody else's

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Add nobody to those whom the context trusts, as requests would."""


def through_proxy(environ: Mapping[str, str], authority: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords for asking through the proxy that the cluster has set, none if it has set none.

    :param authority: the authority's URL, whose path is asked for below the proxy's.
    :param keywords: settings of the transport among others.
    :raises ValueError: the variables contradict each other, or the proxy's address or certificate cannot be used; as
        in azure-identity 1.27.
    """
    proxy, name, file, data = (environ.get(variable) or "" for variable in (PROXY, SNI_NAME, CA_FILE, CA_DATA))
    if not proxy:
        orphans = ", ".join(variable for variable in (SNI_NAME, CA_FILE, CA_DATA) if environ.get(variable))
        if orphans:
            raise ValueError(f"{PROXY} is not set, but {orphans}: set it, or remove them.")
        return {}
    if file and data:
        raise ValueError(f"Both {CA_FILE} and {CA_DATA} are set: leave one out.")
    parts = urlsplit(proxy)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{PROXY} is not an https URL: {parts.scheme}://{parts.hostname or ''}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{PROXY} must have neither user nor query nor fragment, only a host and a path.")
    options = ("connection_timeout", "read_timeout", "connection_data_block_size", "use_env_settings")
    transport = _TokenProxyTransport(
        name,
        Path(file) if file else None,
        data,
        **{option: keywords[option] for option in options if option in keywords},
    )
    return {"authority": proxy.rstrip("/") + urlsplit(authority).path.rstrip("/"), "transport": transport}


def _certificate(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{CA_FILE} {file} cannot be read ({error}).") from error
    if not text.strip():
        raise ValueError(f"{CA_FILE} {file} is empty.")
    return text
