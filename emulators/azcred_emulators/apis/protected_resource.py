"""A protected resource: it says who may ask, and a test, or the stand-in of a service, what it answers.

Challenges: "Authentication, requests and responses" of Azure Key Vault; "Claims challenges, claims requests, and
client capabilities" of the Microsoft identity platform.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt
from werkzeug.wrappers import Response

from azcred_emulators.apis.access import AccessDenied
from azcred_emulators.apis.answers import Answer, AnswerRule, Reply, as_answer, find_rule, make_rule
from azcred_emulators.apis.received_request import ReceivedRequest
from azcred_emulators.apis.refusals import FORMS, Refusal
from azcred_emulators.apis.stand_in import StandIn
from azcred_emulators.audiences import audiences_of, service_at, with_other_names
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import CLOUDS, PUBLIC
from azcred_emulators.directory import Application, Directory, ManagedIdentity, User
from azcred_emulators.emulation.criteria import hint
from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.emulation.journal_entry import shown_claims
from azcred_emulators.emulation.script import Faults
from azcred_emulators.serving.websocket import WebSocket
from azcred_emulators.tokens import TokenRejected, Tokens, received
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
_SOVEREIGN = {".azure.cn": "china", ".chinacloudapi.cn": "china"} | dict.fromkeys(
    (".azure.us", ".usgovcloudapi.net", ".microsoft.us", ".azurecr.us", ".loganalytics.us"), "us-government"
)
# What reading a body of another form than expected raises.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class ResourceFaults:
    """What is to go wrong with the next requests to one resource."""

    def __init__(self, faults: Faults[RequestFault], host: str) -> None:
        self._faults = faults
        self._host = host

    def add(
        self, *faults: RequestFault, times: int = 1, nth: int = 1, optional: bool = False, **criteria: object
    ) -> None:
        """Append faults for the next requests to this resource; see `Faults.add`."""
        self._faults.add(*faults, times=times, nth=nth, optional=optional, server_name=self._host, **criteria)


class ProtectedResource:
    """A protected resource. It decides who may ask; the test decides what it answers.

    A token must be for one of the `audiences`, the first of which is what the resource names when it refuses one. A
    trailing slash makes no difference, but at Batch's, as in Azure. `tenant` is the one that its challenges name, the
    directory's first unless it is set. `requests` are those that it has received.
    """

    def __init__(
        self,
        host: str,
        directory: Directory,
        tokens: Tokens,
        clock: Clock,
        faults: Faults[RequestFault],
        stand_in: StandIn | None = None,
    ) -> None:
        self.host: str = host
        self.tenant: str | None = None
        self.stand_in: StandIn | None = stand_in
        self.faults: ResourceFaults = ResourceFaults(faults, host)
        self.requests: list[ReceivedRequest] = []
        self._service = service_at(host)
        self._audiences = audiences_of(host)
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._rules: dict[object, AnswerRule] = {}
        self._own_rules = tuple(stand_in.rules()) if stand_in else ()
        if stand_in:
            stand_in.resource = self
        self._next: dict[object, int] = {}  # the number of the answer that is due, by rule
        self._websockets: dict[str, tuple[AnswerRule, Callable[[WebSocket], object]]] = {}
        self._allowed: frozenset[str] | None = None  # object ids, None for everybody
        # The number of the last token that is refused, whether that of every client is, and the claims for the next.
        self._demand: tuple[int, bool, str] = (0, False, "")

    def __repr__(self) -> str:
        return f"<azcred resource {self.url!r}>"

    @property
    def url(self) -> str:
        """The real URL at which it answers."""
        return f"https://{self.host}"

    @property
    def audience(self) -> str:
        """The first of the audiences."""
        return self._audiences[0]

    @property
    def audiences(self) -> tuple[str, ...]:
        """What tokens must be for; the emulated Entra ID issues tokens for whatever is set here."""
        return self._audiences

    @audiences.setter
    def audiences(self, names: Sequence[str]) -> None:
        self._audiences = read_audiences(names)
        known = {name.rstrip("/").lower() for name in self._audiences}
        self._directory.audiences_of_stand_ins |= known

    @property
    def content(self) -> Mapping[str, Any]:
        """What the service's stand-in holds, by name; empty if there is no stand-in for the host."""
        return self.stand_in.content if self.stand_in else {}

    def fill(self, **content: Any) -> "ProtectedResource":
        """Add to what the service's stand-in holds: `fill(secrets={"database": "hunter2"})`.

        :param content: names and values, as the stand-in has them.
        :return: the resource.
        :raises ValueError: the stand-in cannot hold this, or there is no stand-in for the host.
        """
        if self.stand_in is None:
            raise ValueError(f"there is no stand-in for {self.host}; answer() sets what it answers")
        with self._lock:
            self.stand_in.fill(**content)
        return self

    def answer(
        self,
        method: str,
        path: str,
        *answers: Reply,
        status: int = 200,
        json: object = None,
        data: bytes | str = b"",
        events: Sequence[object] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        anonymous: bool = False,
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> None:
        """Set the answer to authorized requests with this method and path.

        The body is `json`, `data`, or a stream of server-sent `events`. Or there are `answers`, which are given one
        after the other, the last of them from then on. Of several answers that fit a request, the most precise one is
        given. A HEAD is answered like the GET.

        :param method: the HTTP method, such as "GET".
        :param path: the path, such as "/secrets/database"; `<name>` stands for one part, `<path:name>` for several.
        :param answers: an `Answer` each, or a function that takes the request (a `ReceivedRequest`) and returns an
            Answer, text, bytes, or what JSON can represent.
        :param status: the HTTP status.
        :param json: the body, as something that JSON can represent.
        :param data: the body, as bytes or text.
        :param events: the body, as a list of events: text as it is, all else as JSON.
        :param headers: headers of the answer.
        :param query: parameters that a request must have, with their values.
        :param anonymous: whether the answer needs no token.
        :param scopes: a user's token must have one of these, if there are any; others get the service's 403.
        :param roles: an app's own token must have one of these, if there are any.
        :raises ValueError: there are two bodies; or the method, the status or the JSON is not valid; or no request has
            the path, which does not start with a slash, or has a query.
        """
        rule = make_rule(
            method,
            path,
            *answers,
            status=status,
            json=json,
            data=data,
            events=events,
            headers=headers,
            query=query,
            anonymous=anonymous,
            scopes=scopes,
            roles=roles,
        )
        with self._lock:
            self._rules[rule.key] = rule
            self._next.pop(rule.key, None)

    def websocket(
        self,
        path: str,
        serve: Callable[[WebSocket], object],
        *,
        anonymous: bool = False,
        scopes: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> None:
        """Let clients open websockets at this path.

        The token is in the request's Authorization header or its parameter `access_token`.

        :param path: the path, as that of `answer`.
        :param serve: gets each websocket, which closes when the function returns.
        :param anonymous: whether a websocket needs no token.
        :param scopes: a user's token must have one of these, if there are any.
        :param roles: an app's own token must have one of these, if there are any.
        :raises ValueError: no request has the path.
        """
        rule = make_rule("GET", path, anonymous=anonymous, scopes=scopes, roles=roles)
        with self._lock:
            self._websockets[rule.path.text] = (rule, serve)

    def allow(self, *identities: str) -> None:
        """Let these identities alone use the resource from now on. Others get the service's 403, as without a role.

        :param identities: the name in the directory, the client id or object id, or the principal name of each. Without
            one, nobody may.
        :raises LookupError: the directory does not have an identity, with the nearest one that it has.
        """
        with self._lock:
            self._allowed = frozenset(map(self._object_id, identities))

    def revoke(self) -> None:
        """Reject all tokens issued before now. Clients that can handle it are challenged for a new one.

        Continuous access evaluation does this when a session is revoked or a policy changes. Clients that did not
        announce the capability CP1 keep their tokens until they expire, as with the real services.
        """
        self._demand_of_new_tokens({"nbf": {"essential": True, "value": str(int(self._clock.now()))}}, every=False)

    def challenge(self, claims: Mapping[str, object]) -> None:
        """Reject all tokens issued before now with a claims challenge.

        :param claims: the claims of an access token that the next token must have. Those of an authentication context
            are `{"acrs": {"essential": True, "value": "c1"}}`.
        :raises ValueError: JSON cannot represent the claims.
        """
        self._demand_of_new_tokens(claims, every=True)

    def _demand_of_new_tokens(self, claims: Mapping[str, object], *, every: bool) -> None:
        try:
            encoded = base64.b64encode(json.dumps({"access_token": claims}, allow_nan=False).encode()).decode()
        except (TypeError, ValueError) as error:
            raise ValueError(f"claims are what JSON can hold: {error}") from None
        with self._lock:
            self._demand = (self._tokens.issuance.last_number, every, encoded)

    def _object_id(self, name: str) -> str:
        entities, _, _ = self._directory.content()
        names: dict[str, str] = {}
        for entity in entities:
            if isinstance(entity, Application | ManagedIdentity | User):
                own = (entity.principal_name,) if isinstance(entity, User) else (entity.client_id, entity.name)
                names |= dict.fromkeys((entity.object_id.lower(), *(each.lower() for each in own)), entity.object_id)
        if name.lower() not in names:
            raise LookupError(f"the directory has no identity {name!r}; {hint(name.lower(), names)}")
        return names[name.lower()].lower()

    # What the emulator asks for each request

    def find(self, request: ReceivedRequest) -> tuple[AnswerRule | None, Mapping[str, str]]:
        """Return the rule that answers a request, a test's own first, and the parameters in its path."""
        with self._lock:
            own = list(self._rules.values())
        for rules in (own, self._own_rules):
            if found := find_rule(rules, request.method, request.path, request.query):
                return found
        return None, {}

    def find_websocket(
        self, request: ReceivedRequest
    ) -> tuple[AnswerRule, Callable[[WebSocket], object]] | tuple[None, None]:
        """Return the rule of a websocket at a path and what serves it."""
        with self._lock:
            websockets = list(self._websockets.values())
        fitting = [pair for pair in websockets if pair[0].path.match(request.path) is not None]
        return min(fitting, key=lambda pair: pair[0].rank) if fitting else (None, None)

    def authorize(self, authorization: str) -> Mapping[str, Any]:
        """Return the claims of the token in an Authorization header; raises AccessDenied."""
        token = self._token(authorization)
        if not token:
            raise AccessDenied("there is no bearer token")
        if self.stand_in and (own := self.stand_in.claims_of(token)) is not None:
            return own
        return self._check(token)

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token that may be exchanged for the service's own; raises AccessDenied."""
        claims = self._check(token)
        self.check_permission(None, claims, identity_of(claims, self._directory))
        return claims

    def _check(self, token: str) -> Mapping[str, Any]:
        accepted = [name for audience in self._audiences for name in with_other_names(audience)]
        tenant_ids = [tenant.id for tenant in self._directory.tenants()]
        try:
            claims = self._tokens.check(token, audiences=accepted, tenant_ids=tenant_ids)
            if self._service and self._service.exact and claims["aud"] not in accepted:
                raise TokenRejected("audience")
        except TokenRejected as rejected:
            reason = _REJECTIONS[rejected.reason].format(self.audience)
            raise AccessDenied(reason, error="invalid_token", advice=self._advice(rejected.reason, token)) from rejected
        number, every, demanded = self._demand
        if number_of(claims) <= number and (every or CAE_CAPABILITY in claims.get("xms_cc", ())):
            reason = "the resource demands claims of a new token" if every else "the session was revoked"
            raise AccessDenied(reason, error="insufficient_claims", claims=demanded)
        return claims

    def check_permission(self, rule: AnswerRule | None, claims: Mapping[str, Any], identity: str | None) -> None:
        """Raise AccessDenied if the token's owner may not do what the rule is for."""
        who = identity or str(claims.get("appid") or claims.get("azp") or "the token's owner")
        if self._allowed is not None and str(claims.get("oid")).lower() not in self._allowed:
            advice = f"azcred.resource({self.url!r}).allow({who!r}) lets it"
            raise AccessDenied(f"{who} has no role that allows this", status=403, advice=advice)
        if rule is None:
            return
        kind, needed, has = "role", rule.roles, claims.get("roles", ())
        if "scp" in claims:
            kind, needed, has = "scope", rule.scopes, claims["scp"].split()
            if not needed and rule.roles:
                raise AccessDenied(f"{who} is a user, and only apps with a role may do this", status=403)
        elif not needed and rule.scopes:
            raise AccessDenied(f"{who} is an app, and only users may do this", status=403)
        if needed and not set(needed) & set(has):
            has_none = f"the token has none of the {kind}s {', '.join(needed)}"
            raise AccessDenied(has_none, status=403, advice=f"it has {', '.join(has) or f'no {kind}'}")

    def refuse(self, denied: AccessDenied, path: str) -> Response:
        """Return the refusal in the form of the service."""
        form = FORMS[self._service.family if self._service else "api"]
        cloud_name = next((name for suffix, name in _SOVEREIGN.items() if self.host.endswith(suffix)), "public")
        cloud = next((cloud for cloud in CLOUDS if cloud.name == cloud_name), PUBLIC)
        tenant = (self._directory.tenant(self.tenant) if self.tenant else None) or next(iter(self._directory.tenants()))
        reason = str(denied)
        if denied.error == "invalid_token" and self.audience not in reason:
            reason = f"{reason}; a token for {self.audience} is needed"
        return form(
            Refusal(
                status=denied.status,
                reason=reason,
                host=self.host,
                path=path,
                audience=self.audience,
                authority=f"https://{cloud.authority_host}",
                tenant_id=tenant.id,
                error=denied.error,
                claims=denied.claims,
            )
        )

    def respond(self, rule: AnswerRule | None, request: ReceivedRequest) -> Answer:
        """Return the answer that is due, or a 404 that says what was not set."""
        if rule is None:
            method, path = request.method, request.path
            message = f"The test has set no answer for {method} {path}: resource.answer({method!r}, {path!r}, ...)"
            return Answer(404, json={"error": {"code": "NotFound", "message": message}})
        with self._lock:
            number = self._next.get(rule.key, 0)
            self._next[rule.key] = number + 1
        reply = rule.replies[min(number, len(rule.replies) - 1)]
        if isinstance(reply, Answer):
            return as_answer(reply)
        try:
            return as_answer(reply(request))
        except _MALFORMED as error:
            if not (self.stand_in and self.stand_in.forgiving and any(rule is own for own in self._own_rules)):
                raise
            return self.stand_in.error(400, "BadRequest", f"The request does not have the form that it needs: {error}")

    def note(self, request: ReceivedRequest, status: int) -> None:
        """Record a request with the status of its answer."""
        with self._lock:
            self.requests.append(replace(request, status=status))

    def _token(self, authorization: str) -> str:
        """Return the token in an Authorization header, empty if there is none."""
        if self._service and self._service.family == "cosmos":
            fields = parse_qs(unquote(authorization).strip())
            return fields["sig"][0] if fields.get("type") == ["aad"] and fields.get("sig") else ""
        scheme, _, token = authorization.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def _advice(self, reason: RejectionReason, token: str) -> str:
        """Return what the token has, and what would make the resource take it."""
        try:
            claims = received.read(token).claims
        except jwt.InvalidTokenError:
            return ""
        has = f"the token has {shown_claims(claims)}"
        if reason != "audience":
            return has
        audience = claims.get("aud")
        return f"{has}; azcred.resource({self.url!r}, audience={audience!r}) takes tokens for that"


def read_audiences(audience: object) -> tuple[str, ...]:
    """Return one audience or several as a tuple; raises ValueError if it is neither."""
    names = (audience,) if isinstance(audience, str) else tuple(audience) if isinstance(audience, list | tuple) else ()
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"an audience is text such as 'api://orders', or a list of such, not {audience!r}")
    return names


def identity_of(claims: Mapping[str, Any], directory: Directory) -> str | None:
    """Return how the directory calls the owner of a token, None if it does not know them."""
    user = directory.user(str(claims.get("oid"))) if "scp" in claims else None
    principal = directory.principal(str(claims.get("appid") or claims.get("azp")))
    return user.principal_name if user else principal.name if principal else None
