"""A pod on Kubernetes that proves who it is with its service account's token."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .credential import Credential, DelegatingCredential, Unavailable


class WorkloadIdentityCredential(DelegatingCredential):
    """Authenticates with the token that Kubernetes projects into the pod as a file.

    Each keyword is by default an environment variable, read now. If one of the three is missing, the credential is
    unavailable. The file is read again for each request, because Kubernetes replaces it while the pod runs.

    :keyword tenant_id: the application's tenant; ``AZURE_TENANT_ID``.
    :keyword client_id: the application's id; ``AZURE_CLIENT_ID``.
    :keyword token_file_path: the file with the token; ``AZURE_FEDERATED_TOKEN_FILE``.
    :keyword enable_azure_proxy: ask through the token proxy of AKS's identity bindings, if its variables are set:
        ``AZURE_KUBERNETES_TOKEN_PROXY``, ``AZURE_KUBERNETES_SNI_NAME``, and ``AZURE_KUBERNETES_CA_FILE`` or
        ``AZURE_KUBERNETES_CA_DATA``.
    :keyword authority: the authority's host; by default ``AZURE_AUTHORITY_HOST`` or the public cloud.
    :keyword additionally_allowed_tenants: other tenants that a call may ask for; ``*`` allows all.
    :raises ValueError: the tenant is malformed, the authority is not https, or the proxy's variables make no sense.

    Other keywords are settings of the azure-core pipeline, such as ``transport`` or ``connection_verify``.
    """

    def __init__(
        self,
        *,
        tenant_id: str | None = None,
        client_id: str | None = None,
        token_file_path: str | None = None,
        enable_azure_proxy: bool = False,
        **kwargs: Any,
    ) -> None:
        settings = {
            "AZURE_TENANT_ID": tenant_id,
            "AZURE_CLIENT_ID": client_id,
            "AZURE_FEDERATED_TOKEN_FILE": token_file_path,
        }
        super().__init__(_configured(settings, os.environ, kwargs, use_proxy=enable_azure_proxy))


def _configured(
    given: Mapping[str, str | None], environ: Mapping[str, str], kwargs: Mapping[str, Any], *, use_proxy: bool
) -> Credential:
    settings = {variable: value or environ.get(variable) for variable, value in given.items()}
    missing = [variable for variable, value in settings.items() if not value]
    if missing:
        return Unavailable(
            f"WorkloadIdentityCredential is unavailable: missing {', '.join(missing)}. "
            "On Kubernetes the workload identity webhook sets them, if the pod is labelled for it."
        )
    from .client_assertion import ClientAssertionCredential

    tenant_id, client_id, path = (value or "" for value in settings.values())
    proxy: dict[str, Any] = {}
    if use_proxy:
        from .authority_hosts import authority_url
        from .token_proxy import through_proxy

        proxy = through_proxy(environ, authority_url(kwargs.get("authority"), environ), kwargs)
    return ClientAssertionCredential(tenant_id, client_id, partial(_read, Path(path)), **{**kwargs, **proxy})


def _read(path: Path) -> str:
    """The token in a file.

    :raises CredentialUnavailableError: there is no such file, it cannot be read, or nothing is in it.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        problem = "does not exist"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        problem = "is not text"
    else:
        if token:
            return token
        problem = "is empty"
    from .errors import CredentialUnavailableError

    raise CredentialUnavailableError(
        message=f"WorkloadIdentityCredential is unavailable: the token file {path} {problem}. "
        "Check AZURE_FEDERATED_TOKEN_FILE and the pod's projected volume."
    )
