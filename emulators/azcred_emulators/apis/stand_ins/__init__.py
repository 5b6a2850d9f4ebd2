"""Ready-made stand-ins, each in a folder of its own and found by the host name."""

from azcred_emulators.apis.stand_in import StandIn

STAND_INS: tuple[type[StandIn], ...] = ()
