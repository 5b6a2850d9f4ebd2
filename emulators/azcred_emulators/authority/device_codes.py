"""Device codes: a device shows a code, a person types it in, and the device polls until they have decided.

Source: RFC 8628; Microsoft's "Microsoft identity platform and the OAuth 2.0 device authorization grant flow".
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.clock import Clock
from azcred_emulators.tokens.access import SignIn

LIFETIME = 900  # seconds
INTERVAL = 5
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ2456789"  # neither vowels nor what looks like another character
_MAXIMUM = 10_000  # the oldest are forgotten


class Decision(Enum):
    """What the person has decided about a device code."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a device code stands for: the client, what it wants to access, and the person's decision.

    `tenant` is the tenant's GUID, or the shared name ("organizations") in the URL. Times are epoch
    seconds; `interval` is how many of them the device must let pass between polls.
    """

    device_code: str
    user_code: str
    client_id: str
    tenant: str
    scope: str
    resource: str
    expires: float
    interval: int = INTERVAL
    last_poll: float = 0.0
    decision: Decision = Decision.PENDING
    sign_in: SignIn | None = None

    def __repr__(self) -> str:
        return f"<DeviceCode of {self.client_id}: {self.decision.value}>"


class DeviceCodes:
    """The device codes that were handed out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._codes: OrderedDict[str, DeviceCode] = OrderedDict()  # by device code

    def start(self, *, client_id: str, tenant: str, scope: str = "", resource: str = "") -> DeviceCode:
        """Return a new device code for a client."""
        code = DeviceCode(
            device_code=f"DAQ{secrets.token_urlsafe(96)}",
            user_code="".join(secrets.choice(_ALPHABET) for _ in range(9)),
            client_id=client_id,
            tenant=tenant,
            scope=scope,
            resource=resource,
            expires=self._clock.now() + LIFETIME,
        )
        with self._lock:
            self._codes[code.device_code] = code
            if len(self._codes) > _MAXIMUM:
                self._codes.popitem(last=False)
        return code

    def get(self, device_code: str) -> DeviceCode:
        """Return a code that a device was given, without counting as a poll; raises EntraError if there is none."""
        with self._lock:
            code = self._codes.get(device_code)
        if code is None:
            raise EntraError(70018)
        return code

    def find(self, user_code: str) -> DeviceCode:
        """Return the undecided code that a person typed in, in any case; raises EntraError if there is none."""
        with self._lock:
            return self._find(user_code)

    def approve(self, user_code: str, sign_in: SignIn) -> None:
        """Let the device act for the user who signed in; raises EntraError if there is no such undecided code."""
        with self._lock:
            self._decide(user_code, Decision.APPROVED, sign_in)

    def decline(self, user_code: str) -> None:
        """Let the device know that the person refuses; raises EntraError if there is no such undecided code."""
        with self._lock:
            self._decide(user_code, Decision.DECLINED, None)

    def pending(self) -> list[DeviceCode]:
        """Return the codes that wait for a person, the oldest first."""
        now = self._clock.now()
        with self._lock:
            codes = list(self._codes.values())
        return [code for code in codes if code.decision is Decision.PENDING and now < code.expires]

    def poll(self, device_code: str, client_id: str) -> tuple[DeviceCode, SignIn]:
        """Return an approved code and who signed in; it stays redeemable until `redeem`.

        Raises EntraError while the person has not decided, when they have declined, when the device polls too
        often, and for a code that has expired or never was.
        """
        with self._lock:
            code = self._codes.get(device_code)
            if code is None or code.client_id.lower() != client_id.lower():
                raise EntraError(70018)
            now = self._clock.now()
            if now >= code.expires:
                raise EntraError(70019)
            if code.decision is Decision.DECLINED:
                raise EntraError(65004, error="authorization_declined")
            if code.sign_in is not None:
                return code, code.sign_in
            # A client counts the seconds from its own sending, so it may be a little early here.
            too_soon = now < code.last_poll + code.interval - 1
            interval = code.interval + 5 if too_soon else code.interval
            self._codes[device_code] = replace(code, last_poll=now, interval=interval)
        raise EntraError(70016, error="slow_down" if too_soon else None)

    def redeem(self, device_code: str) -> None:
        """Spend an approved code; raises EntraError if another request has done so."""
        with self._lock:
            if self._codes.pop(device_code, None) is None:
                raise EntraError(70018)

    def reset(self) -> None:
        """Forget every code."""
        with self._lock:
            self._codes.clear()

    def _find(self, user_code: str) -> DeviceCode:
        typed = user_code.strip().replace("-", "").upper()
        code = next((code for code in self._codes.values() if code.user_code == typed), None)
        if code is None or code.decision is not Decision.PENDING:
            raise EntraError(70018)
        if self._clock.now() >= code.expires:
            raise EntraError(70019)
        return code

    def _decide(self, user_code: str, decision: Decision, sign_in: SignIn | None) -> None:
        code = self._find(user_code)
        self._codes[code.device_code] = replace(code, decision=decision, sign_in=sign_in)
