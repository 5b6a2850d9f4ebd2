"""What another process needs in its variables to find the emulators in the place of Azure.

Nothing of its own is redirected, so it goes by what SDKs and HTTP clients honour: the addresses of hosts, a proxy for
real names, and the certificate authority to trust.
"""

import os
from collections.abc import Collection, Iterable, Mapping

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
    proxy = {"HTTP_PROXY": emulators.http.url, "HTTPS_PROXY": emulators.http.url, "NO_PROXY": _NO_PROXY}
    authority = emulators.certificate_authority
    pem = write_private(emulators.folder / "authority.pem", authority.pem.encode())
    store = write_private(emulators.folder / "authority.jks", jvm.trust_store(authority.der))
    java = jvm.options(store, emulators.http.address, environ.get("HOME"), environ.get("JAVA_TOOL_OPTIONS", ""))
    return {
        **proxy,
        **distinct({name.lower(): value for name, value in proxy.items()}),
        **dict.fromkeys(_AUTHORITIES, str(pem)),
        "JAVA_TOOL_OPTIONS": java,
        **emulators.hosts["imds"].variables(emulators.http.url),
    }


def changed(environ: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return variables with these set, or removed where the value is None."""
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}
