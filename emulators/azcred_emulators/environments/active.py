"""Puts environments in place: their files, and what a process that runs there must have."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.emulation.checkpoint import undo_all
from azcred_emulators.environments.backend import Backend
from azcred_emulators.environments.environment import Environment
from azcred_emulators.environments.table import ENVIRONMENTS
from azcred_emulators.serving.tls import write_private

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process in an environment has: variables, where connections to real addresses go, and folders that
    stand for others.
    """

    environment: Environment
    variables: Mapping[str, str | None] = field(repr=False)
    routes: Mapping[Address, Address]
    folders: Mapping[str, Path]


class ActiveEnvironments:
    """The environments that are in place, and their files.

    `installed` are the executables that are on PATH wherever the app is.
    """

    def __init__(self, emulators: Backend) -> None:
        self._emulators = emulators
        self.installed: set[str] = set()
        self._environments: list[Environment] = []
        self._hidden: list[list[Environment]] = []  # by environments that were entered in a scope inside theirs
        self._hidden_hosts: set[str | None] = set()
        self._written: dict[Path, str] = {}
        self._alone = False  # whether `enter_alone` was the last to put environments in place
        self._unassigned: Sequence[ManagedIdentity] = ()  # what `enter_alone` has taken from the metadata service

    def enter(self, environment: Environment, environ: Mapping[str, str] = os.environ) -> Setup:
        """Put an environment in place; returns what a process there has whose variables were these."""
        emulators = self._emulators
        self._assign(environment)
        environment.prepare(emulators)
        self._environments.append(environment)
        emulators.layers.top.identities.update(self._ids(environment))
        self._hide_hosts()
        folder = emulators.folder / environment.name
        self._write(environment)
        tools = environment.executables
        on_path = emulators.executables.variables(*tools, environ=environ) if tools else {}
        return Setup(
            environment,
            {**environment.platform_variables, **environment.variables(emulators, folder), **on_path},
            dict.fromkeys(environment.addresses, emulators.http.address),
            {name: emulators.machine_folder / name[1:] for name in environment.agent_folders},
        )

    def leave(self, environment: Environment) -> None:
        """Take an environment away, with its files unless it is there twice."""
        self._environments.remove(environment)
        neighbours = [other for other in self._environments if other.host == environment.host]
        if neighbours:
            self._assign(neighbours[-1])
        self._hide_hosts()
        tools = {*self.installed, *(name for other in self._environments for name in other.executables)}
        if unused := [name for name in environment.executables if name not in tools]:
            self._emulators.executables.uninstall(*unused)
        if environment not in self._all():
            for path in [path for path in self._written if path.parent.name == environment.name]:
                path.unlink(missing_ok=True)
                del self._written[path]

    @property
    def environments(self) -> Sequence[Environment]:
        """The environments that are in place, the last one last."""
        return tuple(self._environments)

    @property
    def hosts(self) -> list[str]:
        """The names of the managed identity hosts that the environments have."""
        return list(dict.fromkeys(other.host for other in self._environments if other.host))

    def lacks(self, host: str) -> bool:
        """Tell whether the app is in places that all lack this host; processes elsewhere always find IMDS."""
        everywhere = ("imds",) if self._alone else ()
        return bool(self._environments) and host not in (*self.hosts, *everywhere)

    def enter_alone(self, *environments: Environment, environ: Mapping[str, str]) -> list[Setup]:
        """Put environments in place for another process, whose connections nothing refuses.

        Where none of them has a metadata service, there is one without an identity: of all that says so to an SDK it
        is what takes the least time.
        """
        self._unassign(())
        setups = [self.enter(environment, environ) for environment in environments]
        self._alone = True
        has_metadata = any(environment.host == "imds" for environment in environments)
        self._unassign(() if has_metadata else self._emulators.directory.assigned("imds"))
        return setups

    def rotate_files(self) -> None:
        """Renew files for a clock that has moved, as the platforms do, unless the test has changed them."""
        for environment in dict.fromkeys(self._all()):
            self._write(environment, renew=True)

    def hide(self) -> Callable[[], None]:
        """Take the present environments out of sight; returns the function that brings them back.

        Their tools are not on PATH and have nobody signed in. Their files stay where a credential knows them to be, and
        their hosts answer it, but do not show themselves to one that looks for a host.
        """
        hidden, self._environments = self._environments, []
        alone, unassigned = self._alone, self._unassigned
        self._hidden.append(hidden)
        self._hide_hosts()
        executables = self._emulators.executables
        tools = {name for environment in hidden for name in environment.executables}
        off_path = tools - self.installed
        sign_in_again = undo_all([executables[name].checkpoint() for name in tools])
        for name in tools:
            executables[name].sign_out()
        if off_path:
            executables.uninstall(*off_path)

        def reveal() -> None:
            self._hidden.remove(hidden)
            self._environments = [*hidden, *self._environments]
            self._hide_hosts()
            sign_in_again()
            if off_path:
                executables.install(*off_path)
            for environment in hidden:
                self._assign(environment)
            self._alone = alone
            self._unassign(unassigned)

        return reveal

    def clear(self) -> None:
        """Take away those that are in sight."""
        for environment in list(self._environments):
            self.leave(environment)

    def reset(self) -> None:
        """Take every environment away."""
        for hidden in self._hidden:
            self._environments += hidden
        self._hidden.clear()
        self.clear()
        self._alone = False
        self.installed.clear()

    def _all(self) -> Iterable[Environment]:
        """Return those that are in place and those that are hidden."""
        return [*self._environments, *(environment for hidden in self._hidden for environment in hidden)]

    def _hide_hosts(self) -> None:
        """Hide the hosts that none but hidden environments have."""
        hidden = {environment.host for environments in self._hidden for environment in environments}
        for name in hidden | self._hidden_hosts:
            if name:
                self._emulators.hosts[name].is_hidden = name in hidden and name not in self.hosts
        self._hidden_hosts = hidden

    def _ids(self, environment: Environment) -> Iterable[str]:
        """Return the ids of the identity and of the user whose tokens the app gets in an environment."""
        if environment.client_id:
            yield environment.client_id.lower()
        if environment.user and (user := self._emulators.directory.user(environment.user)):
            yield user.object_id.lower()

    def _write(self, environment: Environment, *, renew: bool = False) -> None:
        folder = self._emulators.folder / environment.name
        for name, content in environment.files(self._emulators).items():
            path = folder / name
            if renew and not (path.exists() and path.read_text() == self._written.get(path)):
                continue
            folder.mkdir(mode=0o700, exist_ok=True)
            self._written[path] = content
            write_private(path, content.encode())

    def _unassign(self, identities: Sequence[ManagedIdentity]) -> None:
        """Take these identities from the metadata service, instead of those that were taken from it before."""
        directory = self._emulators.directory
        directory.assign("imds", *self._unassigned)
        self._unassigned = identities
        directory.unassign("imds", *identities)

    def _assign(self, environment: Environment) -> None:
        """Give a host that several environments share this one's identity instead of another's."""
        directory = self._emulators.directory
        if environment.host is None or environment.client_id is None:
            return
        directory.set_resource_id(environment.host, environment.resource_id)
        sharing = [other for other in ENVIRONMENTS.values() if other.host == environment.host and other != environment]
        others = {other.client_id for other in sharing}
        replaced = [identity for identity in directory.assigned(environment.host) if identity.client_id in others]
        own = directory.principal(environment.client_id)
        if replaced and isinstance(own, ManagedIdentity):
            directory.unassign(environment.host, *replaced)
            directory.assign(environment.host, own)
