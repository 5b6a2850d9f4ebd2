"""The device code grant: a device polls until a person has signed in elsewhere. `device_codes` keeps the codes."""

from azcred_emulators.authority import users
from azcred_emulators.authority.device_codes import INTERVAL, LIFETIME, DeviceCode
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, scopes, user_tokens
from azcred_emulators.authority.grants.grant import Grant, RequestReader
from azcred_emulators.authority.grants.scopes import Access
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.directory import User

VERIFICATION_URI = "https://microsoft.com/devicelogin"


def _respond(request: TokenRequest) -> TokenResponse:
    """Give the tokens once the person has approved; the refusals until then tell the device what to do."""
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=client.public_client)
    codes, value = request.context.device_codes, _value(request)
    code, sign_in = codes.poll(value, client.client_id)
    if code.tenant.lower() != request.tenant_name.lower():
        raise EntraError(700005)
    access = _access(request)
    delegation = user_tokens.check_delegation(request, client, access, sign_in, authentication=authentication)
    codes.redeem(value)
    return user_tokens.respond(request, delegation, access)


def _value(request: TokenRequest) -> str:
    # Version 1 calls the parameter `code`; msal sends both.
    return request.form.get("device_code") or request.form.get("code") or request.required("device_code")


def _code(request: TokenRequest) -> DeviceCode:
    return request.context.device_codes.get(_value(request))


def _user(request: TokenRequest) -> User | None:
    """Return the user who has approved the code, None until then."""
    sign_in = _code(request).sign_in
    return users.find_user(request.directory, sign_in.user_id, tenant=request.tenant) if sign_in else None


def _access(request: TokenRequest) -> Access:
    code = _code(request)
    return request.requested_access(scope=code.scope, resource=code.resource)


DEVICE_CODE = Grant(respond=_respond, user=_user, access=_access)


def _device_access(request: TokenRequest) -> Access:
    """Return what a request to `/devicecode` asks for."""
    if request.version == 1:
        return scopes.read_resource(request.required("resource"), request.form.get("scope") or "")
    return scopes.read_scope(request.required("scope"))


DEVICE_AUTHORIZATION = RequestReader(user=lambda _: None, access=_device_access)


def start(request: TokenRequest) -> dict[str, object]:
    """Answer a request to `/devicecode`: a code for the device, one for the person, and where to type it in."""
    client = client_authentication.find_client(request)
    if not client.public_client and not client_authentication.has_credentials(client):
        raise EntraError(7000218)
    access = _device_access(request)
    code = request.context.device_codes.start(
        client_id=client.client_id,
        tenant=request.tenant_name,
        scope=request.form.get("scope") or "",
        resource=access.resource if request.version == 1 else "",
    )
    message = (
        f"To sign in, use a web browser to open the page {VERIFICATION_URI} and enter the code {code.user_code} to "
        "authenticate."
    )
    body: dict[str, object] = {"user_code": code.user_code, "device_code": code.device_code}
    if request.version == 1:
        return body | {
            "verification_url": VERIFICATION_URI,
            "expires_in": str(LIFETIME),
            "interval": str(INTERVAL),
            "message": message,
        }
    return body | {
        "verification_uri": VERIFICATION_URI,
        "expires_in": LIFETIME,
        "interval": INTERVAL,
        "message": message,
    }
