"""The device code grant: a device polls until a person has signed in elsewhere. `device_codes` keeps the codes."""

from azcred_emulators.authority.device_codes import INTERVAL, LIFETIME
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.grants import client_authentication, scopes, user_tokens
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse

VERIFICATION_URI = "https://microsoft.com/devicelogin"


def device_code(request: TokenRequest) -> TokenResponse:
    """Give the tokens once the person has approved; the refusals until then tell the device what to do."""
    client = client_authentication.find_client(request)
    authentication = client_authentication.authenticate_client(request, client, public=client.public_client)
    # Version 1 calls the parameter `code`; msal sends both.
    value = request.form.get("device_code") or request.form.get("code") or request.required("device_code")
    codes = request.context.device_codes
    code, sign_in = codes.poll(value, client.client_id)
    if code.tenant.lower() != request.tenant_name.lower():
        raise EntraError(700005)
    access = user_tokens.requested_access(request, scope=code.scope, resource=code.resource)
    delegation = user_tokens.check(request, client, access, sign_in, authentication=authentication)
    codes.redeem(value)
    return user_tokens.answer(request, delegation, access)


def start(request: TokenRequest) -> dict[str, object]:
    """Answer a request to `/devicecode`: a code for the device, one for the person, and where to type it in."""
    client = client_authentication.find_client(request)
    if not client.public_client and not client_authentication.has_credentials(client):
        raise EntraError(7000218)
    if request.version == 1:
        resource, scope = request.required("resource"), request.form.get("scope") or ""
        request.details["resource"] = resource
    else:
        resource, scope = "", request.required("scope")
        request.details["resource"] = scopes.read_scope(scope).resource
    code = request.context.device_codes.start(
        client_id=client.client_id, tenant=request.tenant_name, scope=scope, resource=resource
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
