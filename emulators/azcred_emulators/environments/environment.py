"""What an entry of the table of environments says."""

from collections.abc import Sequence
from dataclasses import dataclass

from azcred_emulators.environments.identities import Identity
from azcred_emulators.environments.platforms import Platform, PlatformVariables
from azcred_emulators.environments.preparations import Files, Preparation, Variables

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A place an app can run in.

    `alias` is a second name, which works wherever the name does. `provider` is the link of the chain that must win
    there, None where DefaultAzureCredential finds nothing; `identity` is the application or managed identity whose
    tokens it gets, `user` the principal name of a user instead. `host` is the managed identity host that the place
    has, `addresses` are the real ones at which it is found there, if not variables alone tell where it is, and
    `agent_folders` those of the agent that serves it. `resource_id` is the ARM id of the machine or app, `platform`
    makes of it the variables that tell an app where it runs.

    `executables` are the fake tools on PATH, `browser` tells that a user signs in on the pages that the app opens.
    `files` makes the content of the place's files by name, `variables` its other variables, given the folder of the
    files. `prepare` does what else is needed, with the directory for example.
    """

    name: str
    description: str
    alias: str | None = None
    provider: str | None = None
    identity: Identity | None = None
    user: str | None = None
    host: str | None = None
    addresses: Sequence[Address] = ()
    agent_folders: Sequence[str] = ()
    resource_id: str = ""
    platform: Platform = lambda _resource_id: {}
    executables: tuple[str, ...] = ()
    browser: bool = False
    files: Files = lambda _emulators: {}
    variables: Variables = lambda _emulators, _folder: {}
    prepare: Preparation = lambda _emulators: None

    @property
    def client_id(self) -> str | None:
        """The client id of the identity, None where there is none."""
        return self.identity.client_id if self.identity else None

    @property
    def platform_variables(self) -> PlatformVariables:
        """The variables that tell an app where it runs; one that is None is removed."""
        return self.platform(self.resource_id)

    @property
    def fixtures(self) -> tuple[str, ...]:
        """The names of the fixtures that put a test's app there."""
        return tuple(f"fake_{name.replace('-', '_')}" for name in (self.name, self.alias) if name)
