"""Where Entra ID is, in each cloud."""

from __future__ import annotations

from collections.abc import Mapping


class AzureAuthorityHosts:
    """The hosts of Entra ID, for the keyword ``authority`` of the credentials."""

    AZURE_PUBLIC_CLOUD = "login.microsoftonline.com"
    AZURE_GOVERNMENT = "login.microsoftonline.us"
    AZURE_CHINA = "login.chinacloudapi.cn"


def authority_url(authority: str | None, environ: Mapping[str, str]) -> str:
    """The authority's URL, without a slash at its end.

    :param authority: what the credential was given, with or without ``https://``.
    :param environ: holds ``AZURE_AUTHORITY_HOST``, which counts if the credential was given nothing.
    :raises ValueError: if it is not an https URL.
    """
    host = (
        (authority or environ.get("AZURE_AUTHORITY_HOST") or AzureAuthorityHosts.AZURE_PUBLIC_CLOUD).strip().rstrip("/")
    )
    scheme, separator, _ = host.partition("://")
    if not separator:
        return f"https://{host}"
    if scheme.lower() != "https":
        raise ValueError(f"The authority {host!r} is not an https URL. Secrets are sent there: use https.")
    return host
