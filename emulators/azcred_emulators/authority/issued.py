"""What the token service issues and gets back: codes and refresh tokens, with their sign-ins, and used assertions.

One lock guards each look-up together with its change, so only one of two requests with the same code succeeds.
Device codes are in `device_codes`.
"""

import secrets
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.clock import Clock
from azcred_emulators.tokens.access import SignIn
from azcred_emulators.tokens.layers import ANOTHER_TEST, Layers

CODE_LIFETIME = 600.0  # seconds
REFRESH_TOKEN_INACTIVITY = 90 * 86400.0
SPA_REFRESH_TOKEN_LIFETIME = 86400.0
REPETITION_WINDOW = 300.0
_MAXIMUM = 100_000  # of each kind; the oldest are forgotten

_Value = TypeVar("_Value")


class _Latest(Generic[_Value]):
    """A mapping that holds the newest entries only, so that a long run does not grow without end."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Value] = OrderedDict()

    def get(self, key: str) -> _Value | None:
        return self._entries.get(key)

    def put(self, key: str, value: _Value) -> None:
        self._entries[key] = value
        if len(self._entries) > _MAXIMUM:
            self._entries.popitem(last=False)

    def pop(self, key: str) -> _Value | None:
        return self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """What an authorization code stands for: who signed in, for which client, and what must come with it.

    `tenant` is the tenant's GUID, or the shared name ("common") in the URL. `scope` and `resource` are as
    the client wrote them. `spa` and `public` tell what kind of client its redirect URI belongs to.
    """

    client_id: str
    tenant: str
    sign_in: SignIn
    redirect_uri: str
    scope: str = ""
    resource: str = ""
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str = "plain"
    spa: bool = False
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """What a refresh token stands for; `issued` is when, `started` when its first predecessor was, in seconds.

    `public` clients redeem it without proving who they are, those of a `family` each other's. One for a `spa`
    lives a day, whatever it is used for.
    """

    client_id: str
    sign_in: SignIn
    scope: str
    resource: str
    issued: float
    started: float
    public: bool
    spa: bool = False
    family: bool = False


class Issued:
    """The store of everything that was issued and can come back."""

    def __init__(self, clock: Clock, layers: Layers) -> None:
        self._clock = clock
        self._layers = layers
        self._lock = threading.Lock()
        self._codes: _Latest[tuple[AuthorizationCode, float]] = _Latest()
        self._redeemed: _Latest[bool] = _Latest()
        # What refresh tokens begin with; their layer follows, since those of earlier tests are not in the store.
        self._prefix = f"1.A{secrets.token_urlsafe(6)}"
        self._refresh_tokens: _Latest[RefreshToken] = _Latest()
        self._assertions: _Latest[float] = _Latest()
        self._sign_ins: _Latest[SignIn] = _Latest()
        self._requests: _Latest[tuple[float, ...]] = _Latest()

    def code(self, code: AuthorizationCode) -> str:
        """Return a new authorization code that stands for this."""
        value = f"1.A{secrets.token_urlsafe(48)}"
        with self._lock:
            self._codes.put(value, (code, self._clock.now()))
        return value

    def find_code(self, value: str) -> AuthorizationCode:
        """Return what a code stands for, which stays redeemable; raises EntraError if it is not."""
        with self._lock:
            return self._find_code(value)

    def redeem_code(self, value: str) -> None:
        """Spend a code; raises EntraError if it is not redeemable, or no longer."""
        with self._lock:
            self._find_code(value)
            self._codes.pop(value)
            self._redeemed.put(value, True)

    def _find_code(self, value: str) -> AuthorizationCode:
        if self._redeemed.get(value):
            raise EntraError(54005)
        entry = self._codes.get(value)
        if entry is None:
            raise EntraError(70000, reason="The provided value for the input parameter 'code' is not valid.")
        code, issued = entry
        if self._clock.now() >= issued + CODE_LIFETIME:
            raise EntraError(70008)
        return code

    def refresh_token(self, token: RefreshToken) -> str:
        """Return a new refresh token that stands for this."""
        layer = self._layers.of((token.sign_in.user_id, token.client_id))
        value = f"{self._prefix}{layer:08x}{secrets.token_urlsafe(84)}"
        with self._lock:
            self._refresh_tokens.put(value, token)
        return value

    def find_refresh_token(self, value: str) -> RefreshToken:
        """Return what a refresh token stands for, which stays redeemable; raises EntraError if it is not."""
        with self._lock:
            token = self._refresh_tokens.get(value)
        if value.startswith(self._prefix) and not self._is_current(value):
            raise EntraError(70000, suberror="bad_token", reason=f"{ANOTHER_TEST}.")
        if token is None:
            raise _unknown_refresh_token()
        now = self._clock.now()
        if token.spa and now >= token.started + SPA_REFRESH_TOKEN_LIFETIME:
            raise EntraError(700084)
        if now >= token.issued + REFRESH_TOKEN_INACTIVITY:
            raise EntraError(700082)
        return token

    def _is_current(self, value: str) -> bool:
        """Tell whether the layer that issued a refresh token is still there."""
        with suppress(ValueError):
            return int(value.removeprefix(self._prefix)[:8], 16) in self._layers
        return True  # not one of ours

    def spend_refresh_token(self, value: str) -> None:
        """Take a refresh token out of use; raises EntraError if another request has done so."""
        with self._lock:
            if self._refresh_tokens.pop(value) is None:
                raise _unknown_refresh_token()

    def use_assertion(self, client_id: str, jti: str, expires: float) -> bool:
        """Record that a client has used an assertion; tell whether it is the first time."""
        key = f"{client_id.lower()} {jti}"
        with self._lock:
            until = self._assertions.get(key)
            if until is not None and self._clock.now() < until:
                return False
            self._assertions.put(key, expires)
        return True

    def count_request(self, key: str) -> int:
        """Record a request and tell how many like it there were within `REPETITION_WINDOW`, itself included."""
        now = self._clock.now()
        with self._lock:
            recent = [at for at in self._requests.get(key) or () if at > now - REPETITION_WINDOW]
            self._requests.put(key, (*recent, now))
        return len(recent) + 1

    def sign_in(self, sign_in: SignIn) -> None:
        """Remember a sign-in for which a token is issued."""
        with self._lock:
            self._sign_ins.put(sign_in.id, sign_in)

    def find_sign_in(self, session_id: str) -> SignIn | None:
        """Return the sign-in that a token's `sid` names, None if no token was issued for it."""
        with self._lock:
            return self._sign_ins.get(session_id)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            for store in (
                self._codes,
                self._redeemed,
                self._refresh_tokens,
                self._assertions,
                self._sign_ins,
                self._requests,
            ):
                store.clear()


def _unknown_refresh_token() -> EntraError:
    return EntraError(
        70000,
        suberror="bad_token",
        reason="The provided value for the input parameter 'refresh_token' or 'assertion' is not valid.",
    )
