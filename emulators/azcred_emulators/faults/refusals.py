"""Refusals in the emulator's own shape: one of its own by name, and throttling."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from werkzeug.wrappers import Response

from azcred_emulators.durations import Duration, in_seconds
from azcred_emulators.emulation.fault import Exchange, FaultTarget, RequestFault
from azcred_emulators.emulation.refusals import NamedRefusal, NamedRefusals


@dataclass(frozen=True, slots=True, repr=False)
class Refuse(RequestFault):
    """One of the emulator's own refusals, whatever the request is.

    At `/authorize` the answer is the page that shows the error.

    :param name: for the token service, a code such as "AADSTS7000215"; for a host, the problem, such as
        "identity-not-found".
    :param claims: for the token service: the claims that the client must send next.
    :param suberror: for the token service: a more precise reason in place of the usual one.
    :param retry_after: how long to wait before the next request: a timedelta, a text such as "2 s", or a number of
        seconds.
    :raises ValueError: it is not a duration.
    """

    name: str
    claims: Mapping[str, object] | None = field(default=None, kw_only=True)
    suberror: str | None = field(default=None, kw_only=True)
    retry_after: Duration | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check(self.retry_after)

    def check(self, emulator: FaultTarget) -> None:
        """Raise TypeError if the emulator has no such refusal."""
        _refusals(self, emulator).check(emulator.name, self._refusal)

    def apply(self, exchange: Exchange) -> Response:
        """Answer as the emulator does when it finds this wrong itself."""
        return _refusals(self, exchange.emulator).respond(exchange.request, self._refusal)

    @property
    def _refusal(self) -> NamedRefusal:
        retry_after = None if self.retry_after is None else in_seconds(self.retry_after)
        return NamedRefusal(self.name, claims=self.claims, suberror=self.suberror, retry_after=retry_after)


@dataclass(frozen=True, slots=True, repr=False)
class Throttle(RequestFault):
    """Too many requests in a short time: the emulator's own 429, or Storage's 503.

    :param retry_after: how long to wait before the next request: a timedelta, a text such as "2 s", or a number of
        seconds. By default Entra ID says a minute, and a host says nothing.
    :raises ValueError: it is not a duration.
    """

    retry_after: Duration | None = None

    def __post_init__(self) -> None:
        _check(self.retry_after)

    def check(self, emulator: FaultTarget) -> None:
        """Raise TypeError if the emulator has no answer for it."""
        _refusals(self, emulator)

    def apply(self, exchange: Exchange) -> Response:
        """Answer without a look at the request."""
        refusals = _refusals(self, exchange.emulator)
        refusal = refusals.throttling
        if self.retry_after is not None:
            refusal = replace(refusal, retry_after=in_seconds(self.retry_after))
        return refusals.respond(exchange.request, refusal)


def _check(duration: Duration | None) -> None:
    if duration is not None:
        in_seconds(duration)  # raises ValueError for what is no duration


def _refusals(fault: RequestFault, emulator: FaultTarget) -> NamedRefusals:
    if emulator.named_refusals is None:
        raise TypeError(
            f"the emulator {emulator.name!r} has no answer for {fault!r}, which is for the token service, the hosts "
            "of managed identities and storage accounts; Status(...) gives any answer"
        )
    return emulator.named_refusals
