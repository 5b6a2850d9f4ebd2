"""Refusals that a fault asks for by name and that the emulator gives in its own shape."""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Response

from azcred_emulators.emulation.request import Request

_SHORT_LIST = 20  # names that fit into an error's sentence


@dataclass(frozen=True, slots=True)
class NamedRefusal:
    """A refusal that a request gets whatever it deserves.

    `claims` is what the client must send with its next request, `suberror` a finer reason than the refusal's own,
    `retry_after` the seconds to wait before the next request.
    """

    name: str
    claims: Mapping[str, object] | None = None
    suberror: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRefusals:
    """The refusals of an emulator by name.

    `throttling` is the refusal of a client that sends too many requests. `respond` makes the answer. `details` are the
    fields of `NamedRefusal`, beside its name, that an answer has room for.
    """

    names: Collection[str]
    throttling: NamedRefusal
    respond: Callable[[Request, NamedRefusal], Response]
    details: Collection[str] = ("retry_after",)

    def check(self, emulator: str, refusal: NamedRefusal) -> None:
        """Raise TypeError if the emulator of this name has no such refusal, or no room for its details."""
        if refusal.name not in self.names:
            raise TypeError(f"the emulator {emulator!r} has no refusal {refusal.name!r}; {self._hint(refusal.name)}")
        for detail in ("claims", "suberror", "retry_after"):
            if getattr(refusal, detail) is not None and detail not in self.details:
                allowed = " and ".join(self.details)
                raise TypeError(f"a refusal of the emulator {emulator!r} has no {detail}, only {allowed}")

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.names, n=1, cutoff=0.7)
        if near:
            return f"did you mean {near[0]!r}?"
        if len(self.names) <= _SHORT_LIST:
            return f"there are {', '.join(self.names)}"
        return f"its names are like {next(iter(self.names))!r}"
