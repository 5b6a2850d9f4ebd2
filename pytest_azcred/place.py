"""Where the app of a test runs: whose identity it has there, and what it asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azcred_emulators.directory import Principal, User
    from azcred_emulators.emulation.journal import Journal
    from azcred_emulators.emulation.journal_entry import JournalEntry
    from azcred_emulators.emulation.script import Faults
    from azcred_emulators.emulators import Emulators
    from azcred_emulators.environments import Environment
    from azcred_emulators.executables.executable import Executable
    from pytest_azcred.browser import FakeBrowser


class Place:
    """One or more environments that the app runs in: its identity, and the requests for its tokens.

    The app is there until the scope ends, or until the end of a `with` that this is used in. If there are several
    environments, `environment` is the last one.
    """

    def __init__(
        self,
        environment: Environment,
        emulators: Emulators,
        journal: Journal,
        *,
        browser: Callable[[], FakeBrowser],
        leave: Callable[[Place], None],
    ) -> None:
        self.environment = environment
        self._emulators = emulators
        self._journal = journal
        self._browser = browser
        self._leave = leave

    def __repr__(self) -> str:
        return f"<azcred environment {self.environment.name!r}>"

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *error: object) -> None:
        self._leave(self)

    @property
    def identity(self) -> Principal:
        """The application or managed identity that the app has here.

        :raises LookupError: the environment gives no identity, or the test has removed it.
        """
        client_id = self.environment.client_id
        principal = self._emulators.directory.principal(client_id) if client_id else None
        if principal is None:
            raise LookupError(f"the environment {self.environment.name!r} has no identity in the directory")
        return principal

    @property
    def faults(self) -> Faults[Any]:
        """The faults of the next requests to what issues the tokens here: a host, an executable or the authority.

        :raises LookupError: nothing issues tokens here.
        """
        if self.environment.host:
            return self._emulators.faults_of(self.environment.host)
        if self.environment.executables:
            return self.executable.faults
        if self.environment.provider is None:
            raise LookupError(f"nothing hands out tokens in the environment {self.environment.name!r}")
        return self._emulators.authority.faults

    @property
    def executable(self) -> Executable:
        """The fake developer tool of the place, such as `az`.

        :raises LookupError: the place has none.
        """
        if not self.environment.executables:
            raise LookupError(f"the environment {self.environment.name!r} has no executable")
        return self._emulators.executables[self.environment.executables[0]]

    @property
    def browser(self) -> FakeBrowser:
        """The browser in which a user signs in.

        :raises LookupError: nobody signs in with a browser here.
        """
        if not self.environment.browser:
            raise LookupError(f"nobody signs in with a browser in the environment {self.environment.name!r}")
        return self._browser()

    @property
    def user(self) -> User:
        """The user whom the app acts for here.

        :raises LookupError: the place has no user.
        """
        user = self._emulators.directory.user(self.environment.user) if self.environment.user else None
        if user is None:
            raise LookupError(f"the environment {self.environment.name!r} has no user in the directory")
        return user

    def requests(self, **criteria: object) -> list[JournalEntry]:
        """Return the requests that reached the host or provider of this environment, including probes, in order.

        :param criteria: fields that the requests must have, as in `azcred.journal.requests()`.
        :return: the entries of the journal.
        """
        host, provider = self.environment.host, self.environment.provider
        entries = self._journal.requests(**criteria)
        return [entry for entry in entries if (entry.host == host if host else entry.provider == provider)]

    @property
    def statuses(self) -> list[int | None]:
        """The HTTP statuses of `requests()`. None where a fault left a request without an answer."""
        return [entry.status for entry in self.requests()]
