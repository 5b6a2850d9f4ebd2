"""Who is signed in in which browser: the sessions behind the cookies of the sign-in pages.

A browser has two cookies, named as Entra ID's are. `buid` tells it from others, so that forms can be tied to it;
`ESTSAUTH` is the session, a new value for each sign-in, of which the browser knows nothing but the name.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from werkzeug.wrappers import Response

from azcred_emulators.clock import Clock
from azcred_emulators.emulation.request import Request
from azcred_emulators.tokens.access import SignIn

BROWSER_COOKIE = "buid"
SESSION_COOKIE = "ESTSAUTH"
LIFETIME = 86400.0  # seconds
PERSISTENT_LIFETIME = 90 * 86400.0  # of a person who stays signed in
_MAXIMUM = 10_000  # the oldest are forgotten


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """The accounts that are signed in in a browser, the latest last; `started` is when that one was."""

    sign_ins: tuple[SignIn, ...]
    started: float
    persistent: bool = False

    def ends(self) -> float:
        """Return until when it lasts, in epoch seconds."""
        return self.started + (PERSISTENT_LIFETIME if self.persistent else LIFETIME)


class BrowserSessions:
    """The sessions of all browsers, and the key with which forms are tied to them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, BrowserSession] = OrderedDict()

    def browser(self, request: Request) -> "Browser":
        """Return the browser that sends a request."""
        return Browser(self, request.cookies.get(BROWSER_COOKIE, ""), request.cookies.get(SESSION_COOKIE, ""))

    def find(self, name: str) -> BrowserSession | None:
        """Return the session of this name, None if there is none or it is over."""
        with self._lock:
            session = self._sessions.get(name)
        return session if session and self._clock.now() < session.ends() else None

    def put(self, old: str, session: BrowserSession) -> str:
        """Store a session under a new name, which is returned, in place of one that the browser had."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions.pop(old, None)
            self._sessions[name] = session
            if len(self._sessions) > _MAXIMUM:
                self._sessions.popitem(last=False)
        return name

    def drop(self, name: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(name, None)

    def reset(self) -> None:
        """Forget every session."""
        with self._lock:
            self._sessions.clear()

    def seal(self, *parts: str) -> str:
        """Return a code that nobody else can make for these parts."""
        text = "\n".join(f"{len(part)}:{part}" for part in parts)
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


class Browser:
    """One browser during one request: who is signed in there, and what changes about it."""

    def __init__(self, sessions: BrowserSessions, browser_id: str, session_name: str) -> None:
        self._sessions = sessions
        self._id = browser_id if len(browser_id) >= 32 else secrets.token_urlsafe(32)
        self._is_new = self._id != browser_id
        self._name = session_name
        self._session = sessions.find(session_name)
        self._changed = False

    @property
    def sign_ins(self) -> tuple[SignIn, ...]:
        """The accounts that are signed in."""
        return self._session.sign_ins if self._session else ()

    def sign_in(self, sign_in: SignIn) -> None:
        """Add an account, or put what is now known of it in place of what was."""
        others = tuple(item for item in self.sign_ins if item.user_id != sign_in.user_id)
        persistent = bool(self._session and self._session.persistent)
        self._put(BrowserSession((*others, sign_in), sign_in.auth_time, persistent))

    def stay_signed_in(self) -> None:
        """Keep the session when the browser is closed."""
        if self._session:
            self._put(replace(self._session, persistent=True))

    def sign_out(self) -> None:
        """End the session."""
        self._sessions.drop(self._name)
        self._session, self._changed = None, True

    def seal(self, *parts: str) -> str:
        """Return what a form must bring back: a proof that this browser was given it for these parts."""
        return self._sessions.seal(self._id, *parts)

    def has_sealed(self, proof: str, *parts: str) -> bool:
        """Tell whether a form's proof is this browser's for these parts."""
        return hmac.compare_digest(proof.encode("utf-8", "surrogatepass"), self.seal(*parts).encode())

    def save(self, response: Response) -> Response:
        """Add to a response the cookies that have changed."""
        if self._is_new:
            response.set_cookie(BROWSER_COOKIE, self._id, secure=True, httponly=True, samesite="Lax")
        if self._changed and self._session is None:
            response.delete_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="None")
        elif self._changed and self._session:
            age = int(PERSISTENT_LIFETIME) if self._session.persistent else None
            response.set_cookie(SESSION_COOKIE, self._name, age, secure=True, httponly=True, samesite="None")
        return response

    def _put(self, session: BrowserSession) -> None:
        self._name = self._sessions.put(self._name, session)
        self._session, self._changed = session, True
