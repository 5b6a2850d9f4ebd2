"""All emulators together: one directory, one clock, one journal, one key and two ports."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azcred_emulators.clock import Clock
from azcred_emulators.clouds import (
    DEVICE_LOGIN_HOST,
    IMDS_ADDRESS,
    RESOURCE_MANAGER_HOST,
    authority_names,
    graph_names,
)
from azcred_emulators.directory import Directory
from azcred_emulators.durations import Duration
from azcred_emulators.emulation.checkpoint import Undo, checkpoint, undo_all
from azcred_emulators.emulation.crashes import Crashes
from azcred_emulators.emulation.criteria import hint
from azcred_emulators.emulation.journal import Journal
from azcred_emulators.emulation.recorder import Recorder
from azcred_emulators.environments import ENVIRONMENTS, Environment, find, host_addresses
from azcred_emulators.environments.active import ActiveEnvironments, Setup
from azcred_emulators.environments.initial_directory import initial_directory
from azcred_emulators.loading import import_shared, in_background
from azcred_emulators.private_folder import PrivateFolder
from azcred_emulators.serving.broken_network import BrokenNetwork
from azcred_emulators.serving.proxy import Proxy
from azcred_emulators.serving.server import Server
from azcred_emulators.serving.tls import CertificateAuthority
from azcred_emulators.serving.tls_relay import TlsRelays
from azcred_emulators.tokens.layers import Layers

if TYPE_CHECKING:
    from azcred_emulators.apis.protected_resources import ProtectedResources
    from azcred_emulators.apis.stand_in import StandIn
    from azcred_emulators.apis.storage.storage import Storage
    from azcred_emulators.authority.service import Authority
    from azcred_emulators.emulation.command import CommandFault
    from azcred_emulators.emulation.emulator import Emulator
    from azcred_emulators.emulation.fault import RequestFault
    from azcred_emulators.emulation.script import Faults
    from azcred_emulators.executables.executable import Executable
    from azcred_emulators.executables.launcher_endpoint import Executables
    from azcred_emulators.federation.adfs.ad_fs import AdFs
    from azcred_emulators.federation.issuers import Issuers
    from azcred_emulators.federation.pipelines import Pipeline
    from azcred_emulators.hosts.endpoint import Endpoint
    from azcred_emulators.services import Services
    from azcred_emulators.tokens import Tokens
    from azcred_emulators.tokens.keys import SigningKey


_HTTP_PORT, _HTTPS_PORT = 80, 443
Address = tuple[str, int]


class Emulators:
    """The emulators of one run, as a context manager that serves them on loopback.

    ::

        with Emulators() as emulators:
            print(emulators.http.url, emulators.https.url)

        with Emulators(environment="kubernetes") as emulators:
            subprocess.run(["node", "app.js"], env=emulators.variables(), check=True)

    Both ports are open at once. The emulators behind them are imported on a thread meanwhile, and an earlier request
    waits for them. So the first test starts after its own imports, not after ours.

    :param environment: one environment or several, for other processes.
    :param address: the address to listen on.
    :param host_name: the name by which others reach this machine.
    :param http_port: the port for HTTP; 0 for a free one.
    :param https_port: the port for HTTPS; 0 for a free one.
    :param certificate_authority: signs the certificates of the emulated hosts; by default a new one.
    :param token_lifetime: how long access tokens last, unless their identity has its own: a timedelta, a text such as
        "5 min", or a number of seconds.
    :param stand_ins: classes of your own, which are found by host names before the ready-made ones.
    :raises LookupError: there is no such environment.
    """

    def __init__(
        self,
        environment: str | Sequence[str] = (),
        *,
        address: str = "127.0.0.1",
        host_name: str | None = None,
        http_port: int = 0,
        https_port: int = 0,
        certificate_authority: CertificateAuthority | None = None,
        token_lifetime: Duration | None = None,
        stand_ins: "Sequence[type[StandIn]]" = (),
    ) -> None:
        names = [environment] if isinstance(environment, str) else environment
        self.environments: list[Environment] = [find(name) for name in names]
        self.clock: Clock = Clock()
        self.layers: Layers = Layers()
        self.directory: Directory = initial_directory()
        self.recorder: Recorder = Recorder()
        self.journal: Journal = Journal(self.recorder, self.vocabulary)
        self.crashes: Crashes = Crashes()
        self.on_new_host: Callable[[str], None] | None = None  # told the name of each token issuer, to route it here
        self.certificate_authority: CertificateAuthority = certificate_authority or CertificateAuthority()
        self.routes: dict[Address, Address] = {}  # where further real hosts are served on this machine
        # By these, what a route leads to at port 80 answers at port 443 as well.
        self.relays: TlsRelays = TlsRelays(self.certificate_authority.issue)
        proxy = Proxy(
            self.destination,
            http=lambda: self.http.address,
            https=lambda: self.https.address,
            adopt=lambda client: self.https.adopt(client),
            fault=self.connect,
        )
        server = partial(Server, self._answer, host=address, name=host_name, proxy=proxy)
        self.http: Server = server(port=http_port)
        self.https: Server = server(port=https_port, tls=self.certificate_authority.server_context())
        self.network: BrokenNetwork = BrokenNetwork(self.certificate_authority, self._answer)
        self._folder = PrivateFolder()
        self._token_lifetime = token_lifetime
        self._stand_ins = stand_ins
        self._keys: dict[str, SigningKey] = {}
        self.active: ActiveEnvironments = ActiveEnvironments(self)
        self.setups: Sequence[Setup] = ()  # what the process has that `variables` were last asked for
        import_shared()
        self._loaded = in_background(self._load)  # last: two threads in Python hold each other up

    def _load(self) -> "Services":
        from azcred_emulators.services import Services

        services = Services(
            self.directory,
            self.clock,
            self.recorder,
            self.crashes,
            self._announce,
            layers=self.layers,
            token_lifetime=self._token_lifetime,
            folder=self.folder,
            address=lambda: self.http.address,
            thumbprint=self.certificate_authority.thumbprint,
            stand_ins=self._stand_ins,
        )
        for emulator in services.emulators:
            if emulator.is_host:
                emulator.faults.checks.append(partial(self._check_host, emulator.name))
        for tool in services.executables.tools:
            tool.faults.checks.append(partial(self._check_tool, tool))
        return services

    def _check_host(self, name: str, fault: "RequestFault") -> None:
        """Raise TypeError for a fault that nobody meets, since the app's places lack the host.

        A connection to a host's real address can go wrong in any place.
        """
        from azcred_emulators.faults.network import NetworkFault

        if self.active.lacks(name) and not (isinstance(fault, NetworkFault) and name in host_addresses().values()):
            raise self._nowhere(name, fault, [place.name for place in ENVIRONMENTS.values() if place.host == name])

    def _check_tool(self, tool: "Executable", fault: "CommandFault") -> None:
        """Raise TypeError for a fault that nobody meets, since the app is in a place and the tool not on PATH."""
        if self.active.environments and not self.executables.is_installed(tool):
            places = [place.name for place in ENVIRONMENTS.values() if set(place.executables) & set(tool.names)]
            raise self._nowhere(tool.names[0], fault, places)

    def _nowhere(self, name: str, fault: object, places: Sequence[str]) -> TypeError:
        here = ", ".join(dict.fromkeys(environment.name for environment in self.active.environments))
        return TypeError(
            f"{fault!r} cannot happen here: the app is in {here}, which has no {name!r}; it is in {', '.join(places)}"
        )

    def vocabulary(self, field: str) -> Collection[str]:
        """Return the values that a closed field of the journal's entries can have, such as "provider"."""
        return self._loaded.result().vocabulary(field)

    def _announce(self, host: str) -> None:
        if self.on_new_host:
            self.on_new_host(host)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._loaded.result().application(environ, start_response)

    @property
    def tokens(self) -> "Tokens":
        """Mints tokens with the one key of the run."""
        return self._loaded.result().tokens

    @property
    def issuers(self) -> "Issuers":
        """The token issuers outside Entra ID."""
        return self._loaded.result().issuers

    @property
    def adfs(self) -> "AdFs":
        """The AD FS of the federated domains."""
        return self._loaded.result().adfs

    @property
    def authority(self) -> "Authority":
        """The Entra ID token service."""
        return self._loaded.result().authority

    @property
    def hosts(self) -> "Mapping[str, Endpoint]":
        """The hosts of managed identities, by name, such as "imds" and "app-service"."""
        return self._loaded.result().hosts

    @property
    def pipelines(self) -> "Mapping[str, Pipeline]":
        """The token endpoints of "azure-pipelines" and "github-actions"."""
        return self._loaded.result().pipelines

    @property
    def executables(self) -> "Executables":
        """The fake developer tools."""
        return self._loaded.result().executables

    @property
    def resources(self) -> "ProtectedResources":
        """The protected resources that tests put at real names."""
        return self._loaded.result().resources

    @property
    def storage(self) -> "Storage":
        """The storage accounts that Azurite holds."""
        return self._loaded.result().storage

    @property
    def application(self) -> Callable[..., Iterable[bytes]]:
        """The WSGI application behind both ports."""
        return self._loaded.result().application

    @property
    def folder(self) -> Path:
        """A folder that only this user can read, for the files of environments; it goes with the emulators."""
        return Path(self._folder.name)

    def faults_of(self, name: str) -> "Faults[Any]":
        """Return what is to go wrong with an emulator's next requests; raises LookupError if there is none so named."""
        scripts = self.faults()
        if name not in scripts:
            raise no_emulator(name, scripts)
        return scripts[name]

    def faults(self) -> "Mapping[str, Faults[Any]]":
        """Return the scripts of what is to go wrong with requests, by emulator."""
        return {emulator.name: emulator.faults for emulator in self._loaded.result().emulators}

    def unspent_faults(self) -> "Mapping[str, Faults[Any]]":
        """Return the scripts of those emulators and executables, by name, whose faults have not all happened."""
        if not self._loaded.done():
            return {}
        scripts = {**self.faults(), **{tool.provider: tool.faults for tool in self.executables.tools}}
        return {name: faults for name, faults in scripts.items() if faults.unspent}

    def connect(self, host: str, port: int) -> tuple[str, int] | None:
        """Return where a connection to this real or loopback address leads if a fault is due there, else None.

        Raises OSError if the fault is that it fails at once.
        """
        if not self._loaded.done():
            return None
        from azcred_emulators.faults.network import CONNECTION, NetworkFault

        for emulator in self._behind(host, port):
            fault: NetworkFault | None = emulator.faults.take_for_connection(NetworkFault, host)
            if fault is not None:
                entry = self.recorder.open(
                    at=self.clock.now(),
                    emulator=emulator.name,
                    host=emulator.name if emulator.is_host else None,
                    method="CONNECT",
                    server_name=host,
                    path="",
                )
                kind, provider = type(fault).__name__, emulator.provider
                self.recorder.close(entry, operation=CONNECTION, provider=provider, fault=kind)
                try:
                    return fault.connect(self.network)
                except OSError:
                    raise
                except Exception as error:
                    self.crashes.record(emulator.name, f"a connection to {host}:{port}", error)
                    raise ConnectionAbortedError(f"azcred: the fault {kind} crashed") from error
        return None

    def _behind(self, host: str, port: int) -> "Iterable[Emulator]":
        """Return the emulators that a connection to this address may be for."""
        services = self._loaded.result()
        if (host, port) in (self.http.address, self.https.address):
            return [emulator for emulator in services.emulators if emulator.name in self.active.hosts]
        if port == _HTTPS_PORT:
            return (emulator for emulator in services.emulators if emulator.serves(host, "/"))
        name = host_addresses().get((host, port))
        return [services.hosts[name]] if name else []

    @property
    def machine_folder(self) -> Path:
        """What stands for the root of the file system where a host has files at fixed places."""
        return self.folder / "machine"

    def authority_routes(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Return where connections to the real names of the token service, Graph and ARM should go."""
        names = (*authority_names(), *graph_names(), DEVICE_LOGIN_HOST, RESOURCE_MANAGER_HOST)
        return {(name, 443): self.https.address for name in names}

    def destination(self, host: str, port: int) -> Address | None:
        """Return where a connection to a real host and port goes that comes through the proxy, None if nowhere."""
        name = host.lower().rstrip(".")
        if (own := self._own_route(name, port)) is not None:
            return own
        if name == IMDS_ADDRESS:
            return self.http.address if port == _HTTP_PORT else None
        if port != _HTTP_PORT and (name == DEVICE_LOGIN_HOST or self._loaded.result().application.serves(name)):
            return self.https.address
        return self._relay(name) if port == _HTTPS_PORT else None

    def relayed_routes(self) -> dict[Address, Address]:
        """Return where the hosts that `routes` have at port 80 alone answer at port 443: with TLS, by a relay."""
        hosts = [host for host, port in self.routes if port == _HTTP_PORT and (host, _HTTPS_PORT) not in self.routes]
        return {(host, _HTTPS_PORT): self.relays.address(host, self.routes[host, _HTTP_PORT]) for host in hosts}

    def _relay(self, host: str) -> Address | None:
        plain = self._own_route(host, _HTTP_PORT)
        return None if plain is None else self.relays.address(host, plain)

    def _own_route(self, host: str, port: int) -> Address | None:
        patterns = [name for name, _ in self.routes if name.startswith("*.") and host.endswith(name[1:])]
        return next((self.routes[name, port] for name in (host, *patterns) if (name, port) in self.routes), None)

    def host_variables(self, name: str) -> Mapping[str, str]:
        """Return the variables that lead an app to a managed identity host."""
        return self.hosts[name].variables(self.url_of(name))

    def url_of(self, name: str) -> str:
        """Return where a host or another emulator without a real name of its own is reached on this machine."""
        emulator = self._loaded.result().mounted[name]
        return emulator.url(self.https.url if emulator.uses_tls else self.http.url)

    def signing_key(self, name: str) -> "SigningKey":
        """Return the run's key with this name. It is made when it is first requested, since that takes time."""
        from azcred_emulators.tokens.keys import SigningKey

        if name not in self._keys:
            self._keys[name] = SigningKey(name)
        return self._keys[name]

    def variables(self, environ: Mapping[str, str] = os.environ, *, keep: Collection[str] = ()) -> dict[str, str]:
        """Return all variables of a process that runs in the environments: these, without this machine's identity.

        Each call gives an empty home folder and puts the environments in place anew. `keep` are names that are not
        hidden, such as "AZURE_TENANT_ID"; raises ValueError for those that must be.
        """
        from azcred_emulators.environments import processes

        isolated = processes.isolated(self, environ, keep)
        self.active.reset()
        self.setups = self.active.enter_alone(*self.environments, environ=isolated)
        return processes.variables(self, self.setups, isolated)

    def start(self) -> None:
        """Serve; raises OSError if a port is taken."""
        self.http.start()
        try:
            self.https.start()
        except OSError:
            self.http.stop()
            raise

    def stop(self) -> None:
        """Close the ports and delete the files."""
        self.recorder.end()
        if self._loaded.done():
            self._loaded.result().reset()  # else the ports would wait for faults that hang
        self.http.stop()
        self.https.stop()
        self.network.stop()
        self.relays.stop()
        self.tokens.stop()
        self._folder.cleanup()

    def add_layer(self) -> Undo:
        """Begin a layer: returns the function that ends it, and undoes what is changed in between.

        Directory, clock, faults and what tests set up return to what they are now. Environments are left before that.
        """
        services = self._loaded.result()
        known, restore_directory = self.directory.checkpoint()
        undo = undo_all([restore_directory, checkpoint(self.clock), self.crashes.checkpoint(), services.checkpoint()])
        self.layers.add(known)

        def remove() -> None:
            undo()
            self.layers.remove()

        return remove

    def reset(self) -> None:
        """Return to the state at the start: directory, clock, caches; the journal is emptied."""
        self.layers.restart()
        self.active.reset()
        self.directory.reset()
        self.clock.reset()
        self.recorder.clear()
        self.crashes.clear()
        if self._loaded.done():
            self._loaded.result().reset()
        self.network.stop()

    def __enter__(self) -> "Emulators":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def no_emulator(name: str, names: Collection[str]) -> LookupError:
    """Return the error that no emulator has this name; these are the names that there are."""
    return LookupError(f"there is no emulator {name!r}; {hint(name, names)}")
