"""Signing a user in without a page, for tests that run without a browser."""

from urllib.parse import parse_qsl, urlsplit

from azcred_emulators.authority.context import AuthorityContext
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.sign_in import authorization, authorization_response
from azcred_emulators.authority.sign_in.authorization_response import Redirect
from azcred_emulators.clouds import PUBLIC, cloud_of
from azcred_emulators.directory import Tenant
from azcred_emulators.tokens.access import SignIn


def authorize(
    url: str, sign_in: SignIn, *, context: AuthorityContext, tenant_name: str, tenant: Tenant | None, now: float
) -> Redirect:
    """Return where the browser goes from a URL of `/authorize` when the user signs in and consents to nothing.

    Raises EntraError for what a page would show instead.
    """
    parts = urlsplit(url)
    request = authorization.read(
        dict(parse_qsl(parts.query)),
        directory=context.directory,
        version=2 if "/v2.0/" in parts.path else 1,
        tenant_name=tenant_name,
        tenant=tenant,
        cloud=cloud_of(parts.hostname or "") or PUBLIC,
    )
    if request.error:
        return authorization_response.failure(request, request.error)
    try:
        authorization.check_sign_in(request, sign_in, context=context, now=now)
    except EntraError as error:
        return authorization_response.failure(request, error)
    return authorization_response.success(request, sign_in, context=context, now=now)
