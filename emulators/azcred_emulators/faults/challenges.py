"""Challenges of Azure Arc's agent that clients must not accept."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from werkzeug.wrappers import Response

from azcred_emulators.emulation.fault import Exchange, FaultTarget, RequestFault
from azcred_emulators.emulation.request import Request
from azcred_emulators.hosts.challenges import CHALLENGE_DEFECTS, ChallengeDefect


@runtime_checkable
class Challenger(Protocol):
    """A host that challenges its clients."""

    def challenge(self, request: Request, defect: ChallengeDefect | None = None) -> Response:
        """Answer with a challenge that has this defect."""


@dataclass(frozen=True, slots=True, repr=False)
class BadChallenge(RequestFault):
    """A challenge of Azure Arc that clients must reject.

    :param defect: what is wrong with it: no header ("no-header"), no file in the header ("no-realm"), or a file that
        does not exist ("no-file"), is in another folder ("other-folder"), does not end in .key ("other-suffix"), has
        more than 4096 bytes ("too-large"), or holds a key that the agent rejects ("wrong-key").
    :raises ValueError: there is no such defect.
    """

    outcome: ClassVar[str | None] = "malformed"

    defect: ChallengeDefect

    def __post_init__(self) -> None:
        if self.defect not in CHALLENGE_DEFECTS:
            raise ValueError(f"a challenge can have {', '.join(CHALLENGE_DEFECTS)}, not {self.defect!r}")

    def check(self, emulator: FaultTarget) -> None:
        """Raise TypeError if the emulator challenges nobody."""
        _challenger(self, emulator)

    def apply(self, exchange: Exchange) -> Response:
        """Challenge, whatever the request deserves."""
        return _challenger(self, exchange.emulator).challenge(exchange.request, self.defect)


def _challenger(fault: RequestFault, emulator: FaultTarget) -> Challenger:
    if not isinstance(emulator, Challenger):
        raise TypeError(f"the emulator {emulator.name!r} sends no challenges, so {fault!r} is for 'azure-arc' only")
    return emulator
