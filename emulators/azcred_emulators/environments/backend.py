"""What environments need of the emulators: a few members of `Emulators`, which is composed of environments itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from azcred_emulators.emulation.checkpoint import Undo

if TYPE_CHECKING:
    from azcred_emulators.directory import Directory, Principal, User
    from azcred_emulators.federation.issuers import Issuers
    from azcred_emulators.federation.pipelines import Pipeline
    from azcred_emulators.hosts.endpoint import Endpoint
    from azcred_emulators.serving.server import Server
    from azcred_emulators.serving.tls import CertificateAuthority
    from azcred_emulators.tokens.keys import SigningKey
    from azcred_emulators.tokens.layers import Layers


class DeveloperTool(Protocol):
    """A fake developer tool."""

    def sign_in(self, who: "Principal | User", /) -> None:
        """Sign a user or a principal in."""

    def sign_out(self) -> None:
        """Sign everybody out."""

    def checkpoint(self) -> Undo:
        """Note the state; returns the function that undoes what is changed after that."""


class AzureCliTool(Protocol):
    """The fake `az`."""

    def sign_in(self, who: "Principal | User", /, *, assertion: str | None = None) -> None:
        """Sign a user or a principal in, an application with an assertion instead of its secret."""


class DeveloperTools(Protocol):
    """The fake developer tools."""

    @property
    def azure_cli(self) -> AzureCliTool:
        """The fake `az`."""

    def __getitem__(self, name: str, /) -> DeveloperTool:
        """Return the fake of this name."""

    def install(self, *names: str) -> object:
        """Put executables on PATH."""

    def variables(self, *names: str, environ: Mapping[str, str]) -> Mapping[str, str]:
        """Install executables and return the variables with which a process calls them that has these."""

    def uninstall(self, *names: str) -> object:
        """Take executables off PATH."""


class Backend(Protocol):
    """The emulators, as far as environments use them."""

    @property
    def directory(self) -> "Directory":
        """The tenants."""

    @property
    def layers(self) -> "Layers":
        """Who issues tokens at the moment."""

    @property
    def http(self) -> "Server":
        """The HTTP port."""

    @property
    def https(self) -> "Server":
        """The HTTPS port."""

    @property
    def certificate_authority(self) -> "CertificateAuthority":
        """The authority of the run."""

    @property
    def hosts(self) -> "Mapping[str, Endpoint]":
        """The hosts of managed identities, by name."""

    @property
    def issuers(self) -> "Issuers":
        """The token issuers outside Entra ID."""

    @property
    def pipelines(self) -> "Mapping[str, Pipeline]":
        """The token endpoints of CI pipelines, by name."""

    @property
    def executables(self) -> DeveloperTools:
        """The fake developer tools."""

    @property
    def folder(self) -> Path:
        """A private folder for files."""

    @property
    def machine_folder(self) -> Path:
        """What stands for the root of the file system."""

    def host_variables(self, name: str) -> Mapping[str, str]:
        """Return the variables that lead an app to a managed identity host."""

    def url_of(self, name: str) -> str:
        """Return where a host or another emulator without a real name of its own is reached on this machine."""

    def signing_key(self, name: str) -> "SigningKey":
        """Return the run's key with this name."""
