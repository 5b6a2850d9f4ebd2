"""What can be made to go wrong, on purpose and in order: `emulator.faults.add(Status(429, retry_after=1), times=2)`.

One module per idea: answers with any status (`answers`), named cases from real life (`cases`), the genuine answer
spoilt (`bodies`), what comes late (`delays`), and connections that break (`connections`). `registry` finds them by
name.
"""

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
from azcred_emulators.faults.fault import Exchange, Fault
from azcred_emulators.faults.script import Faults

__all__ = [
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
    "Reset",
    "Slow",
    "Status",
    "Throttled",
    "Truncate",
    "WrongResource",
]
