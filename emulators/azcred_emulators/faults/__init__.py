"""The kinds of faults: `emulator.faults.add(Status(429, retry_after=1), times=2)`.

One module per idea: answers with any status (`answers`), named cases from real life (`cases`), the emulator's own
refusals (`refusals`), a valid answer corrupted (`bodies`), late answers (`delays`), connections that break
(`connections`) and those that are never made (`network`), commands that fail (`commands`) and challenges of Azure Arc
(`challenges`). `registry` finds them by name.
"""

from azcred_emulators.faults.answers import Status as Status
from azcred_emulators.faults.bodies import ExpiredToken as ExpiredToken
from azcred_emulators.faults.bodies import MissingField as MissingField
from azcred_emulators.faults.bodies import MistypedField as MistypedField
from azcred_emulators.faults.bodies import NotJson as NotJson
from azcred_emulators.faults.bodies import WrongResource as WrongResource
from azcred_emulators.faults.cases import CaptivePortal as CaptivePortal
from azcred_emulators.faults.cases import DockerDesktop as DockerDesktop
from azcred_emulators.faults.cases import ForeignMetadata as ForeignMetadata
from azcred_emulators.faults.cases import Gone as Gone
from azcred_emulators.faults.cases import IdentityNotFound as IdentityNotFound
from azcred_emulators.faults.challenges import BadChallenge as BadChallenge
from azcred_emulators.faults.commands import Crash as Crash
from azcred_emulators.faults.commands import Exit as Exit
from azcred_emulators.faults.commands import Garbage as Garbage
from azcred_emulators.faults.commands import Noise as Noise
from azcred_emulators.faults.connections import Reset as Reset
from azcred_emulators.faults.connections import Truncate as Truncate
from azcred_emulators.faults.delays import Drip as Drip
from azcred_emulators.faults.delays import Hang as Hang
from azcred_emulators.faults.delays import Slow as Slow
from azcred_emulators.faults.network import BlackHole as BlackHole
from azcred_emulators.faults.network import RefusedPort as RefusedPort
from azcred_emulators.faults.network import TlsFailure as TlsFailure
from azcred_emulators.faults.refusals import Refuse as Refuse
from azcred_emulators.faults.refusals import Throttle as Throttle
