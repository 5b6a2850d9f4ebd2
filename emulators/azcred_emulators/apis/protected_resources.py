"""The protected resources of a test, by host name: one emulator for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.apis.access import AccessDenied
from azcred_emulators.apis.answers import AnswerRule
from azcred_emulators.apis.protected_resource import ProtectedResource, identity_of, read_audiences
from azcred_emulators.apis.received_request import ReceivedRequest, receive
from azcred_emulators.apis.refusals import without_body
from azcred_emulators.apis.stand_in import StandIn
from azcred_emulators.audiences import audiences_of
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.serving.websocket import Upgrade
from azcred_emulators.tokens import Tokens


class ProtectedResources(Emulator):
    """Every protected resource of a test, by host name.

    `stand_ins` are the user's own. They and the ready-made ones are looked through for each new host; the first that is
    at it answers there. `emulated` are emulators at the real names of services: what a resource at such a name does not
    answer, they do.
    """

    name = "resource"
    rules: Map = Map([Rule("/", endpoint="request"), Rule("/<path:path>", endpoint="request")])

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock, emulated: Sequence[Emulator] = ()) -> None:
        self.stand_ins: tuple[type[StandIn], ...] = ()
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._emulated = emulated
        self._resources: dict[str, ProtectedResource] = {}

    def add(
        self,
        host: str,
        audience: str | Sequence[str] | None = None,
        *,
        stand_in: type[StandIn] | None = None,
        tenant: str | None = None,
    ) -> ProtectedResource:
        """Return the resource at a host name, made at the first call.

        Its audiences are by default the service's, else the host's URL; its stand-in is the one that is found by the
        host name. `tenant` is the GUID or domain that its challenges name. Raises ValueError if an audience is no text,
        if there is no such tenant, and for another stand-in than the resource has already.
        """
        name = host.lower()
        resource = self._resources.get(name)
        if tenant is not None and self._directory.tenant(tenant) is None:
            raise ValueError(f"the directory has no tenant {tenant!r}")
        audiences = None if audience is None else read_audiences(audience)
        if resource is None:
            kind = stand_in or self._find_stand_in(name)
            made = kind(name, self._clock) if kind else None
            resource = ProtectedResource(name, self._directory, self._tokens, self._clock, self.faults, made)
            resource.audiences = audiences_of(name)
            self._resources[name] = resource
        elif stand_in is not None and type(resource.stand_in) is not stand_in:
            raise ValueError(f"there is another resource at {name} already; name its stand-in when it is made")
        if audiences is not None:
            resource.audiences = audiences
        resource.tenant = tenant or resource.tenant
        return resource

    def _find_stand_in(self, host: str) -> type[StandIn] | None:
        from azcred_emulators.apis.stand_ins import STAND_INS  # which most runs do not need

        return next((kind for kind in (*self.stand_ins, *STAND_INS) if kind.is_at(host)), None)

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
        received = receive(request, f"/{values.get('path', '')}")
        upgrading = request.headers.get("Upgrade", "").lower() == "websocket"
        rule, serve = resource.find_websocket(received) if upgrading else (None, None)
        parameters: Mapping[str, str] = {}
        if rule is None:
            rule, parameters = resource.find(received)
        received = replace(received, parameters=parameters)
        try:
            received = self._authorize(request, received, resource, rule)
        except AccessDenied as denied:
            return self._refuse(request, received, resource, denied)
        if serve is not None:
            resource.note(received, 101)
            offered = request.headers.get("Sec-WebSocket-Protocol", "").partition(",")[0].strip()
            raise Upgrade(request.headers.get("Sec-WebSocket-Key", ""), serve, protocol=offered or None)
        if rule is None and (elsewhere := self._answer_of_emulated(request, resource.host, received.path)):
            resource.note(received, elsewhere.status_code)
            return elsewhere
        try:
            response = resource.respond(rule, received).response()
        except AccessDenied as denied:
            return self._refuse(request, received, resource, denied)
        resource.note(received, response.status_code)
        return without_body(response) if request.method == "HEAD" and response.status_code >= 400 else response

    def _refuse(
        self, request: Request, received: ReceivedRequest, resource: ProtectedResource, denied: AccessDenied
    ) -> Response:
        request.details["error"] = f"{denied}; {denied.advice}" if denied.advice else str(denied)
        response = resource.refuse(denied, received.path)
        resource.note(received, response.status_code)
        return without_body(response) if request.method == "HEAD" else response

    def _authorize(
        self, request: Request, received: ReceivedRequest, resource: ProtectedResource, rule: AnswerRule | None
    ) -> ReceivedRequest:
        """Return the request with the claims of its token; raises AccessDenied."""
        authorization = request.headers.get("Authorization", "")
        if not authorization and "access_token" in request.args and "Upgrade" in request.headers:
            authorization = f"Bearer {request.args['access_token']}"
        try:
            claims = resource.authorize(authorization)
        except AccessDenied:
            if rule is None or not rule.anonymous:
                raise
            return received
        identity = identity_of(claims, self._directory)
        client_id = claims.get("appid") or claims.get("azp")
        request.details.update(client_id=client_id, tenant=claims.get("tid"), identity=identity)
        if rule is None or not rule.anonymous:
            resource.check_permission(rule, claims, identity)
        return replace(received, claims=claims, identity=identity)

    def _answer_of_emulated(self, request: Request, host: str, path: str) -> Response | None:
        """Return what the emulator of the service at this host answers, None if there is none for such a request."""
        for emulator in self._emulated:
            if emulator.serves(host, path) and emulator.rules.bind("localhost").test(path, request.method):
                return emulator.answer(request, path)
        return None

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out."""
        return json_response({"error": {"code": error.name, "message": error.description}}, status=error.code or 400)

    def stateful(self) -> Iterable[object]:
        """Return this, the resources and their stand-ins."""
        stand_ins = (resource.stand_in for resource in self._resources.values() if resource.stand_in)
        return (self, *self._resources.values(), *stand_ins)

    def reset(self) -> None:
        """Forget every resource."""
        self._resources.clear()
