"""The AD FS of each federated domain, at "sts." and the domain: what asks it for an assertion or a token."""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.authority import users
from azcred_emulators.authority.errors import EntraError
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory, Tenant
from azcred_emulators.directory.identifiers import TENANT_ID
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.federation.adfs import oauth2, ws_trust
from azcred_emulators.federation.adfs.oauth2 import AdFsError, AdFsTokenRequest
from azcred_emulators.tokens import saml_assertions
from azcred_emulators.tokens.keys import SigningKey

_HOST = "sts."


class AdFs(Emulator):
    """One AD FS for each federated domain of the directory, all of them with one key.

    Its users are the directory's, so a test sets their passwords and states where it always does. `announce` is
    called with the host name of each domain that `federate` federates, for connections to it to be led here.
    """

    name = "adfs"
    rules: Map = Map(
        [
            Rule("/adfs/services/trust/mex", methods=["GET"], endpoint="mex"),
            Rule(
                '/adfs/services/trust/<any("2005","13"):version>/usernamemixed', methods=["POST"], endpoint="ws-trust"
            ),
            Rule("/adfs/.well-known/openid-configuration", methods=["GET"], endpoint="openid-configuration"),
            Rule("/adfs/discovery/keys", methods=["GET"], endpoint="keys"),
            Rule("/adfs/oauth2/token", methods=["POST"], endpoint="token"),
        ],
        strict_slashes=False,
    )

    def __init__(self, directory: Directory, clock: Clock, announce: Callable[[str], None]) -> None:
        self._directory = directory
        self._clock = clock
        self._announce = announce
        self._lock = threading.Lock()
        self._answers: Mapping[str, Callable[[Request, Tenant, Mapping[str, str]], Response]] = {
            "mex": self._metadata,
            "ws-trust": self._trust,
            "openid-configuration": lambda request, *_: json_response(oauth2.configuration(f"https://{request.host}")),
            "keys": lambda *_: json_response({"keys": [self.key.jwk()]}),
            "token": self._token,
        }

    @cached_property
    def _key(self) -> SigningKey:
        return SigningKey("ADFS Signing")

    @property
    def key(self) -> SigningKey:
        """The key that signs assertions and tokens, made when it is first needed."""
        with self._lock:
            return self._key

    def federate(self, domain: str) -> None:
        """Let the users of a domain sign in here; it becomes Contoso's if no tenant has it.

        Raises LookupError if the directory has neither a tenant with the domain nor Contoso.
        """
        tenant = self._directory.tenant(domain) or self._directory.tenant(TENANT_ID)
        if tenant is None:
            raise LookupError(f"no tenant of the directory has the domain {domain!r}; add one with it in `domains`")
        if domain.lower() not in (name.lower() for name in tenant.federated_domains):
            self._directory.replace(tenant, federated_domains=(*tenant.federated_domains, domain))
        self._announce(f"{_HOST}{domain.lower()}")

    def stateful(self) -> Iterable[object]:
        """Return nothing: which domains are federated is in the directory, and the key takes time to make."""
        return ()

    def key_of(self, issuer: str) -> RSAPublicKey | None:
        """Return the public key of an issuer of assertions, None if it is no AD FS of a federated domain."""
        host = issuer.removeprefix("http://").removesuffix(_ISSUER)
        return self.key.public if issuer == _issuer(host) and self._tenant(host) else None

    def serves(self, host: str, path: str) -> bool:
        """Serve the host names of the federated domains."""
        return self._tenant(host) is not None

    def describe(self, request: Request, path: str) -> None:
        """Note who asks for what, as `handle` does before it answers."""
        with suppress(HTTPException):
            endpoint, _ = self.rules.bind("localhost").match(path, method=request.method)
            self._describe(request, endpoint)

    def _describe(self, request: Request, endpoint: str) -> None:
        request.details["operation"] = endpoint
        tenant = self._tenant(_name(request))
        if endpoint == "token" and tenant:
            request.details.update(self._token_request(request, tenant).describe())
        if endpoint == "ws-trust":
            with suppress(ValueError):
                trust_request = ws_trust.read(request.get_data(as_text=True))
                request.details.update(identity=trust_request.username, resource=trust_request.applies_to)

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for a document, an assertion or a token."""
        self._describe(request, endpoint)
        tenant = self._tenant(_name(request))
        if tenant is None:  # it has just ceased to be federated
            raise NotFound
        return self._answers[endpoint](request, tenant, values)

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out."""
        return Response(status=error.code or 400)

    def _tenant(self, host: str) -> Tenant | None:
        """Return the tenant of the federated domain whose AD FS has this host name."""
        prefix, domain = host[: len(_HOST)].lower(), host[len(_HOST) :].lower()
        tenant = self._directory.tenant(domain) if prefix == _HOST else None
        return tenant if tenant and domain in (name.lower() for name in tenant.federated_domains) else None

    def _metadata(self, request: Request, *_: object) -> Response:
        return Response(ws_trust.metadata(f"https://{request.host}"), content_type="text/xml; charset=utf-8")

    def _trust(self, request: Request, tenant: Tenant, values: Mapping[str, str]) -> Response:
        try:
            trust_request = ws_trust.read(request.get_data(as_text=True))
        except ValueError:
            return self._fault(request, "InvalidRequest", "ID3035: The request was not valid or is not supported.")
        if trust_request.applies_to != saml_assertions.ENTRA_ID:
            return self._fault(request, "InvalidScope", "ID3082: The request scope is not valid or is unsupported.")
        try:
            user = users.find_by_name(self._directory, trust_request.username, tenant=tenant)
            if not _is_of(user.principal_name, _name(request)):
                raise EntraError(50034)
            users.check_password(user, trust_request.password)
        except EntraError:  # AD FS tells nobody whether it was the name or the password
            return self._fault(
                request,
                "FailedAuthentication",
                "ID3242: The security token could not be authenticated or authorized.",
            )
        assertion = saml_assertions.issue(
            self.key,
            issuer=_issuer(_name(request)),
            upn=user.principal_name,
            immutable_id=user.object_id,
            now=self._clock.now(),
        )
        return Response(ws_trust.response(values["version"], assertion), content_type=_SOAP)

    def _fault(self, request: Request, code: str, reason: str) -> Response:
        """Answer with a fault; AD FS gives it status 500, whoever is to blame."""
        request.details["error"] = reason
        return Response(ws_trust.fault(code, reason), status=500, content_type=_SOAP)

    def _token(self, request: Request, tenant: Tenant, _: object) -> Response:
        headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
        try:
            return json_response(oauth2.token(self._token_request(request, tenant)), headers=headers)
        except AdFsError as error:
            request.details["error"] = error.code
            body = {"error": error.error, "error_description": str(error)}
            return json_response(body, status=400, headers=headers)

    def _token_request(self, request: Request, tenant: Tenant) -> AdFsTokenRequest:
        return AdFsTokenRequest(
            request.form.to_dict(), _name(request), tenant, self._directory, self.key, self._clock.now()
        )


_SOAP = "application/soap+xml; charset=utf-8"
_ISSUER = "/adfs/services/trust"


def _issuer(host: str) -> str:
    return f"http://{host}{_ISSUER}"  # an identifier, which AD FS writes without TLS


def _name(request: Request) -> str:
    return request.host.partition(":")[0].lower()


def _is_of(principal_name: str, host: str) -> bool:
    return f"{_HOST}{principal_name.rpartition('@')[2].lower()}" == host
