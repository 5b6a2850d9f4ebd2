"""An application, or a user, described by environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .credential import Credential, DelegatingCredential, Unavailable

_KINDS = {
    "secret": ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"),
    "certificate": ("AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_TENANT_ID"),
    "password": ("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_PASSWORD"),
}
"""What the variables can describe, in the order in which it is looked for; one that is set counts even if empty."""


class EnvironmentCredential(DelegatingCredential):
    """Authenticates as what the environment variables describe, which are read now.

    An application needs ``AZURE_TENANT_ID``, ``AZURE_CLIENT_ID`` and either ``AZURE_CLIENT_SECRET`` or
    ``AZURE_CLIENT_CERTIFICATE_PATH``, and for the latter it may have ``AZURE_CLIENT_CERTIFICATE_PASSWORD`` and
    ``AZURE_CLIENT_SEND_CERTIFICATE_CHAIN``. A user, which is deprecated, needs ``AZURE_CLIENT_ID``,
    ``AZURE_USERNAME`` and ``AZURE_PASSWORD``, and may have ``AZURE_TENANT_ID``. Unless one of these is complete, the
    credential is unavailable.

    Keywords are those of :class:`ClientSecretCredential`.

    :raises ValueError: a variable is set but empty or malformed, or the certificate cannot be used; as in
        azure-identity 1.27.
    :raises TypeError: the certificate's key has a password and none is given, or the other way round.
    :raises OSError: the certificate's file cannot be read.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(_described(os.environ, kwargs))


def _described(environ: Mapping[str, str], kwargs: Mapping[str, Any]) -> Credential:
    kind = next((kind for kind, variables in _KINDS.items() if all(name in environ for name in variables)), None)
    if kind == "secret":
        from .client_secret import ClientSecretCredential

        client_id, client_secret, tenant_id = (environ[name] for name in _KINDS[kind])
        return ClientSecretCredential(tenant_id, client_id, client_secret, **kwargs)
    if kind == "certificate":
        from .certificate import CertificateCredential

        client_id, path, tenant_id = (environ[name] for name in _KINDS[kind])
        return CertificateCredential(
            tenant_id,
            client_id,
            path,
            password=environ.get("AZURE_CLIENT_CERTIFICATE_PASSWORD"),
            send_certificate_chain=bool(environ.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")),
            **kwargs,
        )
    if kind == "password":
        from .username_password import UsernamePasswordCredential

        client_id, username, password = (environ[name] for name in _KINDS[kind])
        return UsernamePasswordCredential(
            client_id, username, password, tenant_id=environ.get("AZURE_TENANT_ID"), **kwargs
        )
    return Unavailable(f"EnvironmentCredential is unavailable: {what_is_missing(environ)}")


def what_is_missing(environ: Mapping[str, str]) -> str:
    """What these variables lack, by what they describe most of."""
    variables = max(_KINDS.values(), key=lambda names: sum(name in environ for name in names))
    missing = ", ".join(name for name in variables if name not in environ)
    present = ", ".join(name for name in variables if name in environ)
    return f"missing {missing}; set: {present}." if present else f"missing {missing}."
