"""Signing a user in without a page, for tests that run without a browser."""

from urllib.parse import parse_qsl, urlsplit

from azcred_emulators.authority import authorization
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.token_request import Stores
from azcred_emulators.directory import Tenant
from azcred_emulators.tokens import SignIn


def authorize(
    url: str, sign_in: SignIn, *, stores: Stores, tenant_name: str, tenant: Tenant | None, now: float
) -> authorization.Redirect:
    """Return where the browser goes from a URL of `/authorize` when the user signs in and consents to nothing.

    Raises EntraError for what a page would show instead.
    """
    parts = urlsplit(url)
    request = authorization.read(
        dict(parse_qsl(parts.query)),
        directory=stores.directory,
        version=2 if "/v2.0/" in parts.path else 1,
        tenant_name=tenant_name,
        tenant=tenant,
    )
    if request.error:
        return authorization.refuse(request, request.error)
    try:
        authorization.check_sign_in(request, sign_in, stores=stores, now=now)
    except EntraError as error:
        return authorization.refuse(request, error)
    return authorization.approve(request, sign_in, stores=stores)
