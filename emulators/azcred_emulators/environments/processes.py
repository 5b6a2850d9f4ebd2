"""What another process needs in its variables to find the emulators in the place of Azure.

Nothing of its own is redirected, so it goes by what SDKs and HTTP clients honour: the addresses of hosts, a proxy for
real names, and the certificate authority to trust.
"""

import os
import ssl
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from azcred_emulators.environments import jvm
from azcred_emulators.environments.active import Setup
from azcred_emulators.environments.backend import Backend
from azcred_emulators.environments.isolation import distinct, isolation
from azcred_emulators.serving.tls import write_private

_NO_PROXY = "localhost,127.0.0.1,::1"
# Requests and the Azure CLI, curl, OpenSSL and Go, Node.js: each reads another one.
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def isolated(emulators: Backend, environ: Mapping[str, str], keep: Collection[str] = ()) -> dict[str, str]:
    """Return variables without what would lead a process to an identity of this machine's user.

    Those in `keep` stay; raises ValueError for names that must be hidden.
    """
    return changed(environ, isolation(environ, emulators.folder, keep))


def variables(emulators: Backend, setups: Iterable[Setup], environ: Mapping[str, str]) -> dict[str, str]:
    """Return all variables of a process that runs in these environments, given isolated ones."""
    result = changed(environ, connection(emulators, environ))
    for setup in setups:
        result = changed(result, setup.variables)
    return result


def connection(emulators: Backend, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables by which a process of whatever language finds the emulators and trusts them."""
    trust = Trust(emulators.folder, emulators.certificate_authority.pem)
    return {
        **through_proxy(emulators.http.address, emulators.http.url, environ, trust),
        **emulators.hosts["imds"].variables(emulators.http.url),
    }


class Trust:
    """The files from which clients learn to trust a certificate authority."""

    def __init__(self, folder: Path, certificate: str) -> None:
        self.pem: Path = write_private(folder / "authority.pem", certificate.encode())
        der = ssl.PEM_cert_to_DER_cert(certificate)
        self.java: Path = write_private(folder / "authority.jks", jvm.trust_store(der))


def through_proxy(
    address: tuple[str, int], url: str, environ: Mapping[str, str], trust: Trust | None = None
) -> dict[str, str]:
    """Return the variables by which a process reaches everything through a proxy, and whom it trusts there.

    `url` is the proxy's, `address` where it listens; `environ` is what else the process has.
    """
    proxy = {"HTTP_PROXY": url, "HTTPS_PROXY": url, "NO_PROXY": _NO_PROXY}
    others = environ.get("JAVA_TOOL_OPTIONS", "")
    return {
        **proxy,
        **distinct({name.lower(): value for name, value in proxy.items()}),
        **(dict.fromkeys(_AUTHORITIES, str(trust.pem)) if trust else {}),
        "JAVA_TOOL_OPTIONS": jvm.options(trust.java if trust else None, address, environ.get("HOME"), others),
    }


def changed(environ: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return variables with these set, or removed where the value is None."""
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}
