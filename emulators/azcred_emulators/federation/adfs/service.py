"""The AD FS of each federated domain, at "sts." and the domain: what asks it for an assertion or a token."""

import threading
from collections.abc import Callable, Mapping
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.authority.sign_in import users
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory, Tenant, contoso
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.federation.adfs import oauth2, saml, ws_trust
from azcred_emulators.tokens.keys import SigningKey

_HOST = "sts."


class AdFs(Emulator):
    """One AD FS for each federated domain of the directory, all of them with one key.

    Its users are the directory's, so a test sets their passwords and states where it always does. `announce` is
    called with the host name of each domain that `federate` federates, for connections to it to be led here.
    """

    name = "adfs"
    rules = Map(
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
        """Let the users of a domain sign in here; it is Contoso's if no tenant has it."""
        tenant = self._directory.tenant(domain) or self._directory.tenant(contoso.TENANT.id) or contoso.TENANT
        if domain.lower() not in (one.lower() for one in tenant.federated_domains):
            self._directory.replace(tenant, federated_domains=(*tenant.federated_domains, domain))
        self._announce(f"{_HOST}{domain.lower()}")

    def key_of(self, issuer: str) -> RSAPublicKey | None:
        """Return the public key of an issuer of assertions, None if it is no AD FS of a federated domain."""
        host = issuer.removeprefix("http://").removesuffix(_ISSUER)
        return self.key.public if issuer == _issuer(host) and self._tenant(host) else None

    def serves(self, host: str, path: str) -> bool:
        """Serve the host names of the federated domains."""
        return self._tenant(host) is not None

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer a request for a document, an assertion or a token."""
        request.details["operation"] = endpoint
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
        return tenant if tenant and domain in (one.lower() for one in tenant.federated_domains) else None

    def _metadata(self, request: Request, *_: object) -> Response:
        return Response(ws_trust.metadata(f"https://{request.host}"), content_type="text/xml; charset=utf-8")

    def _trust(self, request: Request, tenant: Tenant, values: Mapping[str, str]) -> Response:
        try:
            asked = ws_trust.read(request.get_data(as_text=True))
        except ValueError:
            return self._fault(request, "InvalidRequest", "ID3035: The request was not valid or is not supported.")
        if asked.applies_to != saml.ENTRA_ID:
            return self._fault(request, "InvalidScope", "ID3082: The request scope is not valid or is unsupported.")
        request.details.update(identity=asked.username, resource=asked.applies_to)
        try:
            user = users.find_by_name(self._directory, asked.username, tenant=tenant)
            if not _is_of(user.principal_name, _name(request)):
                raise EntraError(50034)
            users.check_password(user, asked.password)
        except EntraError:  # AD FS tells nobody whether it was the name or the password
            return self._fault(
                request,
                "FailedAuthentication",
                "ID3242: The security token could not be authenticated or authorized.",
            )
        assertion = saml.issue(
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
        form, now = request.form.to_dict(), self._clock.now()
        answer = oauth2.token(
            oauth2.Asked(form, _name(request), tenant, self._directory, self.key, now, request.details)
        )
        status = 400 if "error" in answer else 200
        return json_response(answer, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


_SOAP = "application/soap+xml; charset=utf-8"
_ISSUER = "/adfs/services/trust"


def _issuer(host: str) -> str:
    return f"http://{host}{_ISSUER}"  # an identifier, which AD FS writes without TLS


def _name(request: Request) -> str:
    return request.host.partition(":")[0].lower()


def _is_of(principal_name: str, host: str) -> bool:
    return f"{_HOST}{principal_name.rpartition('@')[2].lower()}" == host
