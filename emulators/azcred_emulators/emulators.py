"""All emulators together: one directory, one clock, one journal, one key and two ports."""

import tempfile
from pathlib import Path
from types import TracebackType

from azcred_emulators.application import Application
from azcred_emulators.authority import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.clouds import authority_names
from azcred_emulators.contoso import contoso
from azcred_emulators.hosts import imds
from azcred_emulators.issuers import Issuers
from azcred_emulators.journal import Journal
from azcred_emulators.server import Server
from azcred_emulators.tls import CertificateAuthority
from azcred_emulators.tokens import Tokens


class Emulators:
    """The emulators of one run, as a context manager that serves them on loopback.

    ::

        with Emulators() as emulators:
            print(emulators.http.url, emulators.https.url)
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.tokens = Tokens(self.clock)  # first: its key is made while the rest is set up
        self.directory = contoso()
        self.journal = Journal()
        self.issuers = Issuers(self.clock)
        self.certificate_authority = CertificateAuthority()
        self.authority = Authority(self.directory, self.tokens, self.clock, self.issuers.keys_of)
        self.imds = imds.Imds(self.directory, self.tokens, self.clock)
        self._emulators = (self.imds, self.authority)
        application = Application(self._emulators, self.journal, self.clock)
        self.http = Server(application)
        self.https = Server(application, tls=self.certificate_authority.server_context())
        self._folder = tempfile.TemporaryDirectory(prefix="azcred-")  # mode 0700

    @property
    def folder(self) -> Path:
        """A folder that only this user can read, for the files of environments; it goes with the emulators."""
        return Path(self._folder.name)

    def authority_routes(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Return where connections to the token service's real names and ports should go."""
        return {(name, 443): self.https.address for name in authority_names()}

    def start(self) -> None:
        """Serve on free ports of the loopback interface."""
        self.http.start()
        self.https.start()

    def stop(self) -> None:
        """Close the ports and delete the files."""
        self.http.stop()
        self.https.stop()
        self._folder.cleanup()

    def reset(self) -> None:
        """Return to the state at the start: directory, clock, caches; the journal is emptied."""
        self.directory.reset()
        self.clock.reset()
        self.journal.clear()
        for emulator in self._emulators:
            emulator.reset()

    def __enter__(self) -> "Emulators":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
