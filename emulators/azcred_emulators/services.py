"""What answers the requests: the emulators behind the ports, and the keys and tokens they share.

Importing this module costs several times what a server costs that listens; see `emulators.Emulators`.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import cast

from azcred_emulators.apis.graph import Graph
from azcred_emulators.apis.protected_resources import ProtectedResources
from azcred_emulators.apis.resource_manager import ResourceManager
from azcred_emulators.apis.stand_in import StandIn
from azcred_emulators.apis.storage.storage import Storage
from azcred_emulators.authority.grants.grant_types import GRANTS
from azcred_emulators.authority.service import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory
from azcred_emulators.durations import Duration
from azcred_emulators.emulation.checkpoint import Undo, undo_all
from azcred_emulators.emulation.crashes import Crashes
from azcred_emulators.emulation.dispatcher import Dispatcher
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.fault import Fault, kinds
from azcred_emulators.emulation.recorder import Recorder
from azcred_emulators.environments import ENVIRONMENTS, host_addresses
from azcred_emulators.executables.executable import Executable
from azcred_emulators.executables.launcher_endpoint import Executables
from azcred_emulators.faults.network import CONNECTION
from azcred_emulators.federation.adfs.ad_fs import AdFs
from azcred_emulators.federation.identity_binding import IdentityBinding
from azcred_emulators.federation.issuers import Issuers
from azcred_emulators.federation.pipelines import AzurePipelines, GitHubActions, Pipeline
from azcred_emulators.hosts.catalogue import host_classes
from azcred_emulators.hosts.endpoint import Endpoint, Machine
from azcred_emulators.hosts.host import Host
from azcred_emulators.tokens import Tokens
from azcred_emulators.tokens.layers import Layers


class Services:
    """Every emulator, over one directory, clock and journal.

    `announce` is called with the host name of each token issuer that a test names. `folder` is a private one for
    files, `thumbprint` that of the certificate which the HTTPS port presents as localhost, and `address` returns where
    the HTTP port listens. `stand_ins` are those of the user's own.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        recorder: Recorder,
        crashes: Crashes,
        announce: Callable[[str], None],
        *,
        layers: Layers,
        token_lifetime: Duration | None,
        folder: Path,
        address: Callable[[], tuple[str, int]],
        thumbprint: str,
        stand_ins: Sequence[type[StandIn]] = (),
    ) -> None:
        self.tokens: Tokens = Tokens(
            clock, directory, layers, lifetime=token_lifetime
        )  # first: its key is made while the rest is set up
        self.issuers: Issuers = Issuers(clock, announce)
        self.adfs: AdFs = AdFs(directory, clock, announce)
        self.authority: Authority = Authority(directory, self.tokens, clock, self.issuers.keys_of, self.adfs.key_of)
        self.graph: Graph = Graph(directory, self.tokens)
        self.resource_manager: ResourceManager = ResourceManager(directory, self.tokens)
        emulated = (self.graph, self.resource_manager)
        self.resources: ProtectedResources = ProtectedResources(directory, self.tokens, clock, emulated)
        self.resources.stand_ins = tuple(stand_ins)
        self.storage: Storage = Storage(directory, self.tokens, clock)
        machine = Machine(secret=secrets.token_hex(16), thumbprint=thumbprint, folder=folder / "machine")
        self.hosts: Mapping[str, Endpoint] = {
            name: host(directory, self.tokens, clock, machine) for name, host in host_classes().items()
        }
        imds = cast("Host", self.hosts["imds"])
        self.pipelines: Mapping[str, Pipeline] = {
            kind.name: kind(self.issuers, key=machine.secret) for kind in (AzurePipelines, GitHubActions)
        }
        binding = IdentityBinding(directory, self.issuers, self.authority, clock)
        self.executables: Executables = Executables(self.authority, imds, clock, folder, address)
        # The resources first: a test may put one in the place of any other service.
        named: tuple[Emulator, ...] = (
            self.resources,
            self.executables,
            imds,
            self.authority,
            self.graph,
            self.adfs,
            self.resource_manager,
            self.storage,
            self.issuers,
        )
        self.mounted: Mapping[str, Emulator] = {**self.hosts, **self.pipelines, binding.name: binding}
        self.emulators: tuple[Emulator, ...] = tuple(dict.fromkeys((*named, *self.mounted.values())))
        addresses = {address: self.hosts[name] for address, name in host_addresses().items()}
        self.application: Dispatcher = Dispatcher(
            named, self.mounted, addresses, recorder, clock, crashes, mint=lambda claims: self.tokens.mint(claims).value
        )

        for emulator in self.emulators:
            emulator.faults.vocabulary = partial(self._own_vocabulary, emulator)
        for tool in self.executables.tools:
            tool.faults.vocabulary = partial(self._own_vocabulary, tool)

    def vocabulary(self, field: str) -> Collection[str]:
        """Return the values that a closed field of the journal's entries can have."""
        tools = self.executables.tools
        match field:
            case "emulator":
                return {*(emulator.name for emulator in self.emulators), *(tool.provider for tool in tools)}
            case "fault":
                return kinds(Fault)
            case "grant":
                return GRANTS
            case "host":
                return {emulator.name for emulator in self.emulators if emulator.is_host}
            case "operation":
                lists = (*(emulator.operations for emulator in self.emulators), *(tool.operations for tool in tools))
                return {CONNECTION, *chain(*lists)}
            case "provider":
                return {environment.provider for environment in ENVIRONMENTS.values() if environment.provider}
        raise LookupError(f"the field {field!r} can have any value")

    def _own_vocabulary(self, emulator: Emulator | Executable, field: str) -> Collection[str]:
        """Return the same for the requests to one emulator."""
        return emulator.operations if field == "operation" else self.vocabulary(field)

    def checkpoint(self) -> Undo:
        """Note the state of every emulator; returns the function that undoes what is changed after that."""
        return undo_all([self.tokens.checkpoint(), *(emulator.checkpoint() for emulator in self.emulators)])

    def reset(self) -> None:
        """Forget what requests have left behind, and all faults; those that are waiting end."""
        self.tokens.reset()
        for emulator in self.emulators:
            emulator.faults.clear()
            emulator.reset()
