"""The emulators of a server, as if they were in this process: what fixtures use with `--azcred-server`.

Each test run has its own session there. Every use of a fixture is a request to the server; what its API does not offer
raises UnavailableRemotely. The server must run on this machine and as the same user: apps read the files of
environments.
"""

import base64
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers

from azcred_emulators.apis.answers import Answer, Reply, make_rule
from azcred_emulators.apis.protected_resource import read_audiences
from azcred_emulators.apis.received_request import REQUEST_FIELDS, ReceivedRequest
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import DEVICE_LOGIN_HOST, authority_names, graph_names
from azcred_emulators.emulation.checkpoint import Undo, undo_all
from azcred_emulators.emulation.fault import Fault
from azcred_emulators.emulation.journal import Journal
from azcred_emulators.emulation.script import Faults, check_faults
from azcred_emulators.emulators import no_emulator
from azcred_emulators.environments import Environment
from azcred_emulators.environments.active import Setup
from azcred_emulators.faults.registry import fields_of, read_fault, write_fault
from azcred_emulators.private_folder import PrivateFolder
from azcred_emulators.serving.urls import split_url
from azcred_emulators.standalone.control.client import ControlClient
from azcred_emulators.standalone.control.mirrors import RemoteCrashes, RemoteDirectory, RemoteRecorder
from azcred_emulators.tokens import Token
from azcred_emulators.tokens.descriptions import Version

Address = tuple[str, int]


class UnavailableRemotely(RuntimeError):
    """Something that the emulators of another process do not offer to a test."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} cannot be had from a server; run this test without --azcred-server")


class RemoteFaults(Faults[Fault]):
    """The faults of the next requests to an emulator of a session."""

    def __init__(self, client: ControlClient, emulator: str) -> None:
        super().__init__()
        self._client = client
        self._emulator = emulator

    def add(self, *faults: Fault, times: int = 1, nth: int = 1, optional: bool = False, **criteria: object) -> None:
        """Append faults to the script; see `Faults.add`. Raises TypeError for what is no fault, and ServerError if
        the server refuses one.
        """
        check_faults(faults)
        for fault in faults * times:
            if not isinstance(fault, Fault):
                raise TypeError(f"{fault!r} is no fault")
            if both := sorted(set(criteria) & set(fields_of(type(fault).__name__))):
                raise UnavailableRemotely(f"{type(fault).__name__} chosen by {both[0]!r}, which it has as a field,")
            options = {"emulator": self._emulator, "nth": nth, "optional": optional}
            self._client.post("/faults", {**write_fault(fault), **options, **criteria})
            self._added += 1

    def checkpoint(self) -> Undo:
        """Count the faults that are added from now on; the server has the script."""
        added, self._added = self._added, 0

        def undo() -> None:
            self._added = added

        return undo

    @property
    def unspent(self) -> tuple[Fault, ...]:
        """The faults that have not happened yet, optional ones left out."""
        return tuple(read_fault(data) for data in self._client.get("/faults")["faults"].get(self._emulator, ()))

    def __bool__(self) -> bool:
        """Whether any fault is left."""
        return bool(self.unspent)


class RemoteEmulator:
    """An emulator of a session, of which a test can set the faults."""

    def __init__(self, name: str, faults: Faults[Fault]) -> None:
        self.name = name
        self.faults = faults

    def __getattr__(self, name: str) -> Any:
        raise UnavailableRemotely(f"{name!r} of the emulator {self.name!r}")


class RemoteTokens:
    """Mints tokens with the key of a session."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def mint(self, claims: Mapping[str, object], *, version: Version | None = None) -> Token:
        """Sign these claims; see `Tokens.mint`."""
        token = self._client.post("/tokens", {"claims": claims, "version": version})
        content = token["claims"]
        return Token(token["token"], content, int(content.get("exp", 0)), int(content.get("nbf", 0)))

    def forge(self, defect: str, claims: Mapping[str, object], *, version: Version | None = None) -> str:
        """Return a token with a defect; see `Tokens.forge`."""
        return str(self._client.post("/tokens", {"claims": claims, "version": version, "defect": defect})["token"])

    def __getattr__(self, name: str) -> Any:
        raise UnavailableRemotely(f"tokens.{name}")


class RemoteResource:
    """A protected resource of a session; see `ProtectedResource`, whose methods these are."""

    def __init__(
        self, client: ControlClient, host: str, audience: str | Sequence[str] | None, tenant: str | None
    ) -> None:
        self.host: str = host.lower()
        self.url: str = f"https://{self.host}"
        self._client = client
        self._post(
            **({} if audience is None else {"audience": read_audiences(audience)}),
            **({} if tenant is None else {"tenant": tenant}),
        )

    def _post(self, **described: object) -> None:
        self._client.post("/resources", {"url": self.url, **described})

    def _read(self) -> Mapping[str, Any]:
        description: Mapping[str, Any] = self._client.get(f"/resources/{self.host}")
        return description

    @property
    def audiences(self) -> tuple[str, ...]:
        """What tokens must be for."""
        return tuple(self._read()["audiences"])

    @property
    def audience(self) -> str:
        """The first of the audiences."""
        return self.audiences[0]

    @property
    def content(self) -> Mapping[str, Any]:
        """What the service's stand-in holds."""
        content: Mapping[str, Any] = self._read()["content"]
        return content

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests that it has received."""
        return [
            ReceivedRequest(
                **{name: each[name] for name in REQUEST_FIELDS},
                headers=Headers([(name, value) for name, value in each["headers"]]),
                body=base64.b64decode(each["body"]),
            )
            for each in self._read()["requests"]
        ]

    def fill(self, **content: object) -> "RemoteResource":
        """Add to what the service's stand-in holds."""
        self._post(content=content)
        return self

    def allow(self, *identities: str) -> None:
        """Let these identities alone use the resource from now on."""
        self._post(allowed=identities)

    def answer(self, method: str, path: str, *answers: Reply, **options: Any) -> None:
        """Set the answer to authorized requests with this method and path."""
        rule = make_rule(method, path, *answers, **options)  # checks them
        bodies = [_body(reply) for reply in rule.replies]
        names = ("anonymous", "scopes", "roles", "query")
        described = {"method": method, "path": path, **{name: getattr(rule, name) for name in names}}
        self._post(answers=[{**described, **bodies[0], "then": bodies[1:]}])

    def revoke(self) -> None:
        """Refuse every token that was issued before now."""
        self._client.post(f"/resources/{self.host}/revocation")

    def challenge(self, claims: Mapping[str, object]) -> None:
        """Refuse every token that was issued before now, and demand claims of the next ones."""
        self._client.post(f"/resources/{self.host}/challenge", {"claims": claims})

    def __getattr__(self, name: str) -> Any:
        raise UnavailableRemotely(f"resource.{name}")


def _body(reply: Reply) -> Mapping[str, object]:
    """Return an answer as plain data; raises UnavailableRemotely for what a server cannot be sent."""
    if not isinstance(reply, Answer):
        raise UnavailableRemotely("an answer by a function")
    try:
        data = reply.data.decode() if isinstance(reply.data, bytes) else reply.data
    except UnicodeDecodeError:
        raise UnavailableRemotely("an answer of bytes that are no text") from None
    body: dict[str, object] = {"status": reply.status, "data": data, "headers": dict(reply.headers)}
    body |= {} if reply.json is None else {"json": reply.json}
    return body | ({} if reply.events is None else {"events": list(reply.events)})


class RemoteResources:
    """The protected resources of a session."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def add(
        self,
        host: str,
        audience: str | Sequence[str] | None = None,
        *,
        stand_in: object = None,
        tenant: str | None = None,
    ) -> RemoteResource:
        """Put a resource at a host name."""
        if stand_in is not None:
            raise UnavailableRemotely("a stand-in of your own")
        return RemoteResource(self._client, host, audience, tenant)


class RemoteEnvironments:
    """The environments that a session is in."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client
        self.installed: set[str] = set()
        self._environments: list[Environment] = []

    def enter(self, environment: Environment, environ: Mapping[str, str] = os.environ) -> Setup:
        """Add an environment to the present ones; returns the variables, routes and folders of a process there."""
        self._environments.append(environment)
        setup = self._put(environ)[-1]
        routes = {(host, port): (to, at) for host, port, to, at in setup["routes"]}
        folders = {name: Path(path) for name, path in setup["folders"].items()}
        return Setup(environment, setup["variables"], routes, folders)

    def leave(self, environment: Environment) -> None:
        """Remove an environment."""
        self._environments.remove(environment)
        self._put({})

    def hide(self) -> Callable[[], None]:
        """Begin the list of a scope inside that of the present environments, as the server does with each layer.

        Returns the function that brings the outer list back.
        """
        hidden, self._environments = self._environments, []

        def reveal() -> None:
            self._environments = hidden

        return reveal

    def rotate_files(self) -> None:
        """Set the session's clock to this process's, which has moved."""
        self._client.post("/clock", {"now": Clock().now()})

    def reset(self) -> None:
        """Remove every environment."""
        self._environments.clear()

    def _put(self, environ: Mapping[str, str]) -> Any:
        names = [environment.name for environment in self._environments]
        path = {name: value for name, value in environ.items() if name == "PATH"}
        return self._client.put("/environments", {"environments": names, "environ": path})["setups"]


class RemotePort:
    """A port of a session."""

    def __init__(self, url: str) -> None:
        parts = split_url(url)
        self.url = url
        self.address: tuple[str, int] = (parts.hostname or "", parts.port or 0)


class RemoteAuthority:
    """The certificate authority of a server."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    @cached_property
    def pem(self) -> str:
        """The authority's certificate, which a client must trust."""
        return self._client.certificate_authority()

    def issue(self, *names: str) -> tuple[bytes, bytes]:
        """Return certificate chain and private key, both PEM, for a server with these names or addresses."""
        issued = self._client.post("/certificates", {"names": names})
        return issued["certificate"].encode(), issued["private_key"].encode()


class RemoteEmulators:
    """The emulators of one session of a server. Raises ServerError if the server does not answer or refuses."""

    def __init__(self, client: ControlClient, session: Mapping[str, Any]) -> None:
        self._client = client
        self.name: str = str(session["session"])
        self.http: RemotePort = RemotePort(session["http"])
        self.https: RemotePort = RemotePort(session["https"])
        self.clock: Clock = Clock()
        self.directory: RemoteDirectory = RemoteDirectory(client)
        self.recorder: RemoteRecorder = RemoteRecorder(client)
        self.journal: Journal = Journal(self.recorder, self.vocabulary)
        self.crashes: RemoteCrashes = RemoteCrashes(client)
        self.tokens: RemoteTokens = RemoteTokens(client)
        self.resources: RemoteResources = RemoteResources(client)
        self.active: RemoteEnvironments = RemoteEnvironments(client)
        self.certificate_authority: RemoteAuthority = RemoteAuthority(client)
        self._scripts: dict[str, RemoteFaults] = {}
        self.authority: RemoteEmulator = RemoteEmulator("authority", self.faults_of("authority"))
        self.on_new_host: Callable[[str], None] | None = None
        self._folder = PrivateFolder()

    @property
    def folder(self) -> Path:
        """A folder of this process that only this user can read."""
        return Path(self._folder.name)

    @property
    def hosts(self) -> Mapping[str, RemoteEmulator]:
        """The emulators of which a test can set the faults, by name."""
        return {name: RemoteEmulator(name, self.faults_of(name)) for name in self._client.get("/faults")["faults"]}

    def vocabulary(self, field: str) -> Collection[str]:
        """Return the values that a closed field of the journal's entries can have; see `Emulators.vocabulary`."""
        values: Collection[str] = self._client.get("/journal/values")[field]
        return values

    def faults_of(self, name: str) -> Faults[Fault]:
        """Return the faults of an emulator's next requests; raises LookupError if there is none so named."""
        if name not in self._scripts:
            names = self._client.get("/faults")["faults"]
            if name not in names:
                raise no_emulator(name, names)
            self._scripts[name] = RemoteFaults(self._client, name)
        return self._scripts[name]

    def unspent_faults(self) -> Mapping[str, Faults[Fault]]:
        """Return the scripts to which this process has added faults that have not all happened.

        Faults of the server's configuration are left out: no test has to use them up.
        """
        return {name: faults for name, faults in self._scripts.items() if faults.added and faults.unspent}

    def authority_routes(self) -> dict[Address, Address]:
        """Return where connections to the token service's and Microsoft Graph's real names and ports should go."""
        names = (*authority_names(), *graph_names(), DEVICE_LOGIN_HOST)
        return {(name, 443): self.https.address for name in names}

    def connect(self, host: str, port: int) -> None:
        """Leave connections alone: faults of the network are for processes that go through the server's proxy."""

    def add_layer(self) -> Undo:
        """Begin a layer; see `Emulators.add_layer`."""
        number = self._client.post("/layers")["layer"]
        undo = undo_all(faults.checkpoint() for faults in self._scripts.values())

        def remove() -> None:
            undo()
            self._client.delete(f"/layers/{number}")

        return remove

    def reset(self) -> None:
        """Return to the state at the start."""
        self.recorder.clear()
        self.active.reset()
        for faults in self._scripts.values():
            faults.clear()
        self._client.post("/reset")

    def stop(self) -> None:
        """Delete the files here."""
        self._folder.cleanup()

    def __getattr__(self, name: str) -> Any:
        raise UnavailableRemotely(repr(name))


@contextmanager
def remote_emulators(url: str, key: str | None = None) -> Iterator[RemoteEmulators]:
    """Open a session of the server at a URL and give its emulators; the end of the `with` closes it.

    Raises ServerError if there is no such server.
    """
    server = ControlClient(url, key)
    session = server.post("/sessions")
    emulators = RemoteEmulators(ControlClient(session["http"], key), session)
    try:
        yield emulators
    finally:
        emulators.stop()
        server.delete(f"/sessions/{emulators.name}")
