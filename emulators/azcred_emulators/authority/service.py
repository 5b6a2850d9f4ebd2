"""The token service under all its host names: which request is answered by what."""

import re
import uuid
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.authority import documents
from azcred_emulators.authority.client_credentials import client_credentials
from azcred_emulators.authority.errors import EntraError, is_guid
from azcred_emulators.authority.token_request import TokenRequest
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC, cloud_of
from azcred_emulators.directory import Directory, Tenant
from azcred_emulators.emulator import Emulator, Request, json_response
from azcred_emulators.tokens import Token, Tokens, issuer
from azcred_emulators.urls import split_url

Grant = Callable[[TokenRequest], Token]

GRANTS: Mapping[str, Grant] = {"client_credentials": client_credentials}

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_DOMAIN = re.compile(r"^[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)+$")


class Authority(Emulator):
    """Entra ID's token service: discovery documents, keys and tokens."""

    name = "authority"
    rules = Map(
        [
            Rule("/<tenant>/discovery/instance", methods=["GET"], endpoint="instance-discovery"),
            Rule(
                "/<tenant>/v2.0/.well-known/openid-configuration",
                methods=["GET"],
                endpoint="openid-configuration",
                defaults={"version": "2"},
            ),
            Rule(
                "/<tenant>/.well-known/openid-configuration",
                methods=["GET"],
                endpoint="openid-configuration",
                defaults={"version": "1"},
            ),
            Rule("/<tenant>/discovery/v2.0/keys", methods=["GET"], endpoint="keys", defaults={"version": "2"}),
            Rule("/<tenant>/discovery/keys", methods=["GET"], endpoint="keys", defaults={"version": "1"}),
            Rule("/<tenant>/oauth2/v2.0/token", methods=["POST"], endpoint="token", defaults={"version": "2"}),
            Rule("/<tenant>/oauth2/token", methods=["POST"], endpoint="token", defaults={"version": "1"}),
        ],
        redirect_defaults=False,
    )

    def __init__(
        self,
        directory: Directory,
        tokens: Tokens,
        clock: Clock,
        keys_of: Callable[[str], Mapping[str, RSAPublicKey]],
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._keys_of = keys_of

    def serves(self, host: str, path: str) -> bool:
        """Serve the token services of every cloud, and loopback for `AZURE_AUTHORITY_HOST`."""
        return host in _LOOPBACK or cloud_of(host) is not None

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for a document or a token, refusals included."""
        request.details["operation"] = endpoint
        try:
            match endpoint:
                case "instance-discovery":
                    return self._instance_discovery(request)
                case "openid-configuration":
                    return self._openid_configuration(request, values["tenant"], int(values["version"]))
                case "keys":
                    return self._keys(request, values["tenant"], int(values["version"]))
                case _:
                    return self._token(request, values["tenant"], int(values["version"]))
        except EntraError as error:
            return self._refusal(request, error)

    def refuse(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out; a wrong method has an AADSTS code of its own."""
        match error:
            case MethodNotAllowed():
                return self._refusal(request, EntraError(900561, method=request.method))
            case NotFound():
                return Response(status=404)
        if error.code == 413:
            return Response("The page was not displayed because the request entity is too large.", status=413)
        return self._refusal(request, EntraError(9002313))

    def _instance_discovery(self, request: Request) -> Response:
        """Confirm that the host in `authorization_endpoint` is a token service (msal asks for hosts new to it)."""
        endpoint = split_url(request.args.get("authorization_endpoint", ""))
        if not endpoint.hostname:
            raise EntraError(900144, parameter="authorization_endpoint")
        if cloud_of(endpoint.hostname) is None and endpoint.hostname not in _LOOPBACK:
            raise EntraError(50049)
        tenant = endpoint.path.strip("/").split("/")[0] or "common"
        return json_response(
            documents.instance_discovery(f"{endpoint.scheme}://{endpoint.netloc}", tenant), headers=_CACHED
        )

    def _openid_configuration(self, request: Request, name: str, version: int) -> Response:
        if name.lower() in documents.SHARED_TENANTS:
            tenant = name.lower()
        else:
            tenant = self._tenant(name, error="invalid_tenant").id
        request.details["tenant"] = tenant
        return json_response(
            documents.openid_configuration(
                f"https://{request.host}", tenant, cloud=cloud_of(_name(request)) or PUBLIC, version=version
            ),
            headers=_CACHED,
        )

    def _keys(self, request: Request, name: str, version: int) -> Response:
        cloud = cloud_of(_name(request)) or PUBLIC
        shared = name.lower() in documents.SHARED_TENANTS
        tenant = "{tenantid}" if shared else self._tenant(name, error="invalid_tenant").id
        tenant_issuer = issuer(cloud, tenant, version) if version == 2 else None
        return json_response(documents.keys(self._tokens.key, tenant_issuer=tenant_issuer), headers=_CACHED)

    def _token(self, request: Request, name: str, version: int) -> Response:
        form = _form(request)
        grant_type = form.get("grant_type")
        request.details["grant"] = grant_type
        if not grant_type:
            raise EntraError(900144, parameter="grant_type")
        grant = GRANTS.get(grant_type)
        if grant is None:
            raise EntraError(70003, grant=grant_type)
        if name.lower() in documents.SHARED_TENANTS:
            raise EntraError(50059)
        tenant = self._tenant(name)
        request.details["tenant"] = tenant.id
        now = self._clock.now()
        token = grant(
            TokenRequest(
                form=form,
                server_name=_name(request),
                version=version,
                tenant=tenant,
                cloud=cloud_of(_name(request)) or PUBLIC,
                now=now,
                directory=self._directory,
                tokens=self._tokens,
                keys_of=self._keys_of,
                details=request.details,
            )
        )
        expires_in = int(token.expires_on - now)
        body: dict[str, object] = {"token_type": "Bearer", "expires_in": expires_in, "ext_expires_in": expires_in}
        if version == 1:  # where every value is a string
            body = {
                "token_type": "Bearer",
                "expires_in": str(expires_in),
                "ext_expires_in": str(expires_in),
                "expires_on": str(token.expires_on),
                "not_before": str(token.not_before),
                "resource": form["resource"],
            }
        body["access_token"] = token.value
        return json_response(body, headers=_HEADERS | {"x-ms-request-id": str(uuid.uuid4())})

    def _tenant(self, name: str, *, error: str | None = None) -> Tenant:
        tenant = self._directory.tenant(name)
        if tenant is None:
            known_form = is_guid(name) or _DOMAIN.match(name)
            raise EntraError(90002 if known_form else 900023, error=error, tenant=name)
        return tenant

    def _refusal(self, request: Request, error: EntraError) -> Response:
        request.details["error"] = f"AADSTS{error.code}"
        trace_id = str(uuid.uuid4())
        correlation_id = request.headers.get("client-request-id") or request.args.get("client-request-id")
        body = error.body(
            now=self._clock.now(),
            trace_id=trace_id,
            correlation_id=correlation_id if correlation_id and is_guid(correlation_id) else str(uuid.uuid4()),
        )
        return json_response(body, status=error.status, headers=_HEADERS | {"x-ms-request-id": trace_id})


def _name(request: Request) -> str:
    return request.host.partition(":")[0].lower()


def _form(request: Request) -> dict[str, str]:
    """Return the form of a token request, a client's Basic authorization included."""
    form = request.form.to_dict()
    if request.authorization and request.authorization.type == "basic":
        form.setdefault("client_id", request.authorization.username or "")
        form.setdefault("client_secret", request.authorization.password or "")
    return form


_HEADERS = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    "x-ms-ests-server": "2.1.22549.4 - EMULATED ProdSlices",
    "x-ms-clitelem": "1,0,0,,",
}
_CACHED = {"Cache-Control": "max-age=86400, private", "X-Content-Type-Options": "nosniff"}
