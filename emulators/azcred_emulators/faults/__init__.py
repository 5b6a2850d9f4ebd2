"""What can be made to go wrong, on purpose and in order: `emulator.faults.add(Status(429, retry_after=1), times=2)`.

One module per idea: answers with any status (`answers`), named cases from real life (`cases`), the genuine answer
spoilt (`bodies`), what comes late (`delays`), connections that break (`connections`) and those that are never made
(`network`); the token service has its own beside it. `registry` finds them by name.
"""

from typing import TYPE_CHECKING, Any

from azcred_emulators.emulation.fault import Exchange, Fault
from azcred_emulators.emulation.script import Faults
from azcred_emulators.faults.answers import Status
from azcred_emulators.faults.bodies import ExpiredToken, MissingField, MistypedField, NotJson, WrongResource
from azcred_emulators.faults.cases import (
    CaptivePortal,
    DockerDesktop,
    ForeignMetadata,
    Gone,
    IdentityNotFound,
    Throttled,
)
from azcred_emulators.faults.connections import Reset, Truncate
from azcred_emulators.faults.delays import Drip, Hang, Slow
from azcred_emulators.faults.network import BlackHole, RefusedPort, TlsFailure

if TYPE_CHECKING:
    from azcred_emulators.authority.faults import Refuse, Throttle

__all__ = [
    "BlackHole",
    "CaptivePortal",
    "DockerDesktop",
    "Drip",
    "Exchange",
    "ExpiredToken",
    "Fault",
    "Faults",
    "ForeignMetadata",
    "Gone",
    "Hang",
    "IdentityNotFound",
    "MissingField",
    "MistypedField",
    "NotJson",
    "Refuse",
    "RefusedPort",
    "Reset",
    "Slow",
    "Status",
    "Throttle",
    "Throttled",
    "TlsFailure",
    "Truncate",
    "WrongResource",
]


def __getattr__(name: str) -> Any:
    """Find the token service's faults, which cannot be imported before it, as it needs this package itself."""
    if name in ("Refuse", "Throttle"):
        from azcred_emulators.authority import faults

        return getattr(faults, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
