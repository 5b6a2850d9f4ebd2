"""Protected resources: stand-ins for services such as Key Vault that check tokens as the real ones do.

Challenges: "Authentication, requests and responses" of Azure Key Vault; "Claims challenges, claims requests, and
client capabilities" of the Microsoft identity platform; what azure-core 1.41 and azure-keyvault-secrets 4.12 read.
"""

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.audiences import audience_of
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import audiences
from azcred_emulators.directory import Directory
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, check_method, check_status, json_response
from azcred_emulators.serving.urls import split_url
from azcred_emulators.tokens import TokenRejected, Tokens
from azcred_emulators.tokens.claims import CAE_CAPABILITY
from azcred_emulators.tokens.issuance import number_of
from azcred_emulators.tokens.layers import ANOTHER_TEST
from azcred_emulators.tokens.mint import RejectionReason

_REJECTIONS: Mapping[RejectionReason, str] = {
    "malformed": "the bearer token is no JWT that Entra ID could have made",
    "signature": "the token's signature is not Entra ID's",
    "issuer": "the token's issuer is not a tenant of the directory",
    "audience": "the token is not for {0}",
    "expired": "the token has expired",
    "not-yet-valid": "the token is not valid yet",
    "another-test": ANOTHER_TEST,
}


@dataclass(frozen=True, slots=True)
class ResourceAnswer:
    """What a resource answers to an authorized request."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def make_answer(
    method: str, path: str, *, status: int, json: object, data: bytes | str, headers: Mapping[str, str] | None
) -> ResourceAnswer:
    """Return the answer to requests with this method and path; raises ValueError as `ProtectedResource.answer` does."""
    check_method(method)
    _check_path(path)
    check_status(status)
    if json is not None and data:
        raise ValueError("an answer has one body: give either json or data")
    if not isinstance(data, bytes | str):
        raise ValueError(f"an answer's data is bytes or text, not {data!r}; anything else is json")
    if json is None:
        return ResourceAnswer(status, data.encode() if isinstance(data, str) else data, dict(headers or {}))
    typed = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return ResourceAnswer(status, _dumps(json), typed)


class BearerTokenError(Exception):
    """A token that the resource does not take; `error` and `description` are RFC 6750's."""

    def __init__(self, error: str, description: str, *, claims: str | None = None) -> None:
        super().__init__(description)
        self.error = error
        self.claims = claims


class ProtectedResource:
    """A protected resource. It decides who may ask; the test decides what it answers.

    `audience` is the resource that tokens must be for. A trailing slash makes no difference. For Azure Resource Manager
    both its old and its new name are accepted.
    """

    def __init__(self, host: str, audience: str, directory: Directory, tokens: Tokens, clock: Clock) -> None:
        self.host = host
        self.audience = audience
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], ResourceAnswer] = {}
        self._revoked = 0  # the number of the last token that is not taken any more
        self._revoked_at = 0.0

    def __repr__(self) -> str:
        return f"<azcred resource {self.url!r}>"

    @property
    def url(self) -> str:
        """The real URL at which it answers."""
        return f"https://{self.host}"

    def answer(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        json: object = None,
        data: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Set the answer to authorized requests with this method and path.

        :param method: the HTTP method, such as "GET".
        :param path: the path, such as "/secrets/database". The query of a request makes no difference.
        :param status: the HTTP status.
        :param json: the body, as something that JSON can represent.
        :param data: the body, as bytes or text.
        :param headers: headers of the answer.
        :raises ValueError: both `json` and `data` are given; or the method, the status or the JSON is not valid; or the
            path does not start with a slash, or has a query.
        """
        answer = make_answer(method, path, status=status, json=json, data=data, headers=headers)
        with self._lock:
            self._answers[method.upper(), _path(path)] = answer

    def revoke(self) -> None:
        """Reject all tokens issued before now. Clients that can handle it are challenged for a new one.

        Continuous access evaluation does this when a session is revoked or a policy changes. Clients that did not
        announce the capability CP1 keep their tokens until they expire, as with the real services.
        """
        with self._lock:
            self._revoked = self._tokens.issuance.last_number
            self._revoked_at = self._clock.now()

    def check(self, authorization: str) -> Mapping[str, Any]:
        """Return the claims of the token in an Authorization header; raises BearerTokenError."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise BearerTokenError("", "there is no bearer token")
        tenant_ids = [tenant.id for tenant in self._directory.tenants()]
        try:
            claims = self._tokens.check(token.strip(), audiences=audiences(self.audience), tenant_ids=tenant_ids)
        except TokenRejected as rejected:
            raise BearerTokenError("invalid_token", _REJECTIONS[rejected.reason].format(self.audience)) from rejected
        if CAE_CAPABILITY in claims.get("xms_cc", ()) and number_of(claims) <= self._revoked:
            since = {"access_token": {"nbf": {"essential": True, "value": str(int(self._revoked_at))}}}
            raise BearerTokenError("insufficient_claims", "the session was revoked", claims=_base64(_dumps(since)))
        return claims

    def respond(self, method: str, path: str) -> Response:
        """Return the answer that was set, or a 404 that says what was not set."""
        with self._lock:
            answer = self._answers.get((method, _path(path)))
        if answer is None:
            message = f"The test has set no answer for {method} {path}: resource.answer({method!r}, {path!r}, ...)"
            return json_response({"error": {"code": "NotFound", "message": message}}, status=404)
        return Response(answer.body, status=answer.status, headers=dict(answer.headers))

    def challenge(self, error: BearerTokenError) -> Response:
        """Return the 401 that makes a client of the Azure SDK get a token, or a newer one."""
        tenant = next(iter(self._directory.tenants()))
        parts = [
            f'authorization="https://login.microsoftonline.com/{tenant.id}"',
            f'authorization_uri="https://login.microsoftonline.com/{tenant.id}"',
            f'resource="{self.audience}"',
        ]
        if error.claims:
            parts = [
                'realm=""',
                'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"',
                f'error="{error.error}"',
                f'claims="{error.claims}"',
            ]
        elif error.error:
            parts.append(f'error="{error.error}"')
        return json_response(
            {"error": {"code": "Unauthorized", "message": f"AKV10000: {error}."}},
            status=401,
            headers={"WWW-Authenticate": f"Bearer {', '.join(parts)}"},
        )


class ProtectedResources(Emulator):
    """Every protected resource of a test, by host name."""

    name = "resource"
    rules: Map = Map([Rule("/", endpoint="request"), Rule("/<path:path>", endpoint="request")])

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._resources: dict[str, ProtectedResource] = {}

    def add(self, host: str, audience: str | None = None) -> ProtectedResource:
        """Return the resource at a host name, made at the first call; its audience is by default the service's."""
        name = host.lower()
        if name not in self._resources or audience:
            self._resources[name] = ProtectedResource(
                name, audience or audience_of(name), self._directory, self._tokens, self._clock
            )
        return self._resources[name]

    def remove(self, host: str) -> bool:
        """Remove the resource at a host name; returns False if there is none."""
        return self._resources.pop(host.lower(), None) is not None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that were added."""
        return tuple(self._resources)

    def serves(self, host: str, path: str) -> bool:
        """Serve the hosts that were added."""
        return host.lower() in self._resources

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Answer whatever is authorized, and challenge everything else."""
        resource = self._resources[request.host.partition(":")[0].lower()]
        request.details.update(operation=endpoint, resource=resource.audience)
        try:
            claims = resource.check(request.headers.get("Authorization", ""))
        except BearerTokenError as error:
            request.details["error"] = str(error)
            return resource.challenge(error)
        client_id = claims.get("appid") or claims.get("azp")
        user = self._directory.user(str(claims.get("oid"))) if "scp" in claims else None
        principal = self._directory.principal(str(client_id))
        identity = user.principal_name if user else principal.name if principal else None
        request.details.update(client_id=client_id, tenant=claims["tid"], identity=identity)
        return resource.respond(request.method, f"/{values.get('path', '')}")

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out."""
        return json_response({"error": {"code": error.name, "message": error.description}}, status=error.code or 400)

    def stateful(self) -> Iterable[object]:
        """Return this and the resources."""
        return (self, *self._resources.values())

    def reset(self) -> None:
        """Forget every resource."""
        self._resources.clear()


def _path(path: str) -> str:
    return path.rstrip("/") or "/"


def _check_path(path: str) -> None:
    """Raise ValueError for a path that requests do not have when they are compared, with the one that they have."""
    parts = split_url(path)
    plain = "/" + re.sub("/{2,}", "/", unquote(parts.path)).lstrip("/")
    if path != plain:
        raise ValueError(f"an answer is for a path alone, which starts with a slash: write {plain!r}, not {path!r}")


def _dumps(value: object) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"an answer's json is what JSON can hold: {error}") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
