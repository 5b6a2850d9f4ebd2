"""What answers the requests: the emulators behind the ports, and the keys and tokens they share.

Importing this module costs several times what a server costs that listens; see `emulators.Emulators`.
"""

from collections.abc import Callable
from pathlib import Path

from azcred_emulators.application import Application
from azcred_emulators.authority import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory
from azcred_emulators.emulator import Emulator
from azcred_emulators.executables.service import Executables
from azcred_emulators.graph import Graph
from azcred_emulators.hosts.imds import Imds
from azcred_emulators.issuers import Issuers
from azcred_emulators.journal import Journal
from azcred_emulators.resource import Resources
from azcred_emulators.tokens import Tokens


class Services:
    """Every emulator, over one directory, clock and journal.

    `announce` is called with the host name of each token issuer that a test names. `folder` is a private one for
    files, and `address` returns where the http port listens.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        journal: Journal,
        announce: Callable[[str], None],
        *,
        folder: Path,
        address: Callable[[], tuple[str, int]],
    ) -> None:
        self.tokens = Tokens(clock)  # first: its key is made while the rest is set up
        self.issuers = Issuers(clock, announce)
        self.authority = Authority(directory, self.tokens, clock, self.issuers.keys_of)
        self.imds = Imds(directory, self.tokens, clock)
        self.graph = Graph(directory, self.tokens)
        self.resources = Resources(directory, self.tokens, clock)
        self.executables = Executables(self.authority, self.imds, clock, folder, address)
        # The resources first: a test may put one in the place of any other service.
        self.emulators: tuple[Emulator, ...] = (
            self.resources,
            self.executables,
            self.imds,
            self.authority,
            self.graph,
            self.issuers,
        )
        self.application = Application(
            self.emulators, journal, clock, mint=lambda claims: self.tokens.mint(claims).value
        )

    def reset(self) -> None:
        """Forget what requests have left behind, and the faults, those that are at it included."""
        for emulator in self.emulators:
            emulator.faults.clear()
            emulator.reset()
