"""An application described by environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .credential import DelegatingCredential, Unavailable

_SECRET = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID")
_NOT_SUPPORTED_YET = ("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME", "AZURE_PASSWORD")


class EnvironmentCredential(DelegatingCredential):
    """Authenticates as the application that ``AZURE_CLIENT_ID``, ``AZURE_CLIENT_SECRET`` and ``AZURE_TENANT_ID``
    name. The variables are read now; unless all are there, the credential is unavailable.

    Keywords are those of :class:`ClientSecretCredential`.

    :raises ValueError: a variable is there but empty or malformed, as in azure-identity 1.27.
    """

    def __init__(self, **kwargs: Any) -> None:
        reason = why_unavailable(os.environ)
        if reason:
            super().__init__(Unavailable(f"EnvironmentCredential is unavailable: {reason}"))
            return
        from .client_secret import ClientSecretCredential

        client_id, client_secret, tenant_id = (os.environ[variable] for variable in _SECRET)
        super().__init__(ClientSecretCredential(tenant_id, client_id, client_secret, **kwargs))


def why_unavailable(environ: Mapping[str, str]) -> str:
    """What keeps these variables from describing an application; empty if nothing does.

    A variable counts if it is there, even if empty, as in azure-identity 1.27.
    """
    missing = [variable for variable in _SECRET if variable not in environ]
    if not missing:
        return ""
    reason = f"missing {', '.join(missing)}."
    present = [variable for variable in _SECRET if variable in environ]
    if present:
        reason += f" They are needed besides {', '.join(present)}."
    ignored = [variable for variable in _NOT_SUPPORTED_YET if variable in environ]
    if ignored:
        reason += f" Not supported yet by this version: {', '.join(ignored)}."
    return reason
