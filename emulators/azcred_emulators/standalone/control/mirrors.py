"""The directory and the requests of a server's session, fetched for every read and sent back after every change."""

from collections.abc import Callable
from typing import Any

from azcred_emulators.directory import Directory
from azcred_emulators.directory.serialization import fill_directory, write_directory
from azcred_emulators.emulation.crashes import Crashes
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulation.recorder import Recorder
from azcred_emulators.standalone.control.client import ControlClient

_READERS = (
    *("tenant", "tenants", "principal", "applications", "application_for_resource", "user", "users", "groups_of"),
    *("policies", "subscriptions", "tenants_of", "assigned", "resource_id", "content"),
)
_WRITERS = ("add", "replace", "remove", "consent", "assign", "unassign", "set_resource_id")


class RemoteDirectory(Directory):
    """The directory of a session."""

    def __init__(self, client: ControlClient) -> None:
        self._client: ControlClient | None = None
        super().__init__()
        self._client = client

    def _pull(self) -> None:
        if self._client:
            copy = Directory()
            fill_directory(copy, self._client.get("/directory"))
            super().fill(*copy.content())

    def _push(self) -> None:
        if self._client:
            copy = Directory()
            copy.fill(*super().content())
            self._client.put("/directory", write_directory(copy))


def _fetching(name: str) -> Callable[..., Any]:
    original = getattr(Directory, name)

    def method(self: RemoteDirectory, *arguments: Any, **keywords: Any) -> Any:
        self._pull()
        result = original(self, *arguments, **keywords)
        if name in _WRITERS:
            self._push()
        return result

    return method


for _name in (*_READERS, *_WRITERS):
    setattr(RemoteDirectory, _name, _fetching(_name))


class RemoteCrashes(Crashes):
    """The crashes of a session's emulators."""

    def __init__(self, client: ControlClient) -> None:
        super().__init__()
        self._client = client

    @property
    def reports(self) -> list[str]:
        """A text for each crash, with its traceback."""
        return [str(report) for report in self._client.get("/health")["crashes"]]


class RemoteRecorder(Recorder):
    """The requests of a session."""

    def __init__(self, client: ControlClient) -> None:
        super().__init__()
        self._client = client

    def entries(self, after: int = 0) -> list[JournalEntry]:
        """Return the entries as they are now, those with higher numbers."""
        return [JournalEntry(**data) for data in self._client.get(f"/journal?after={after}")["entries"]]

    @property
    def total(self) -> int:
        """How many requests there were since the last `clear`."""
        return int(self._client.get("/health")["requests"])

    def clear(self) -> None:
        """Drop every entry."""
        super().clear()
        self._client.delete("/journal")
