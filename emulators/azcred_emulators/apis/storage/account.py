"""A storage account in Azurite, and requests to its services in the form that Azurite takes.

Azurite takes any token that is for storage and has not expired; it does not look at the signature. So a request that
has been judged goes on with one that is good at any time, and which says whose user-delegation keys it may ask for.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from azcred_emulators.audiences import STORAGE, STORAGE_DOMAIN
from azcred_emulators.clock import Clock
from azcred_emulators.serving.request_reader import Headers
from azcred_emulators.serving.upstream import Upstream, UpstreamAnswer

TIME_HEADER = "azcred-time"  # milliseconds since the epoch, by the emulators' clock
_VERSION = "2021-12-02"  # of the protocol, in requests of our own
_LAST = 2**40  # seconds: a moment that no test gets to


class Account:
    """An account and its shared key.

    `services` has Azurite's ports by the names of the services; `sign` makes a token of claims.
    """

    def __init__(
        self,
        name: str,
        key: str,
        services: Mapping[str, Upstream],
        clock: Clock,
        sign: Callable[[Mapping[str, object]], str],
    ) -> None:
        self.name = name
        self.key = key
        self.used: set[str] = set()  # the services that were asked for anything; in others there is nothing
        self._services = services
        self._clock = clock
        self._token = lru_cache(maxsize=256)(lambda oid, tid: sign(_claims(oid, tid)))

    def send(
        self,
        service: str,
        method: str,
        target: str,
        headers: Headers,
        body: Iterable[bytes] = (),
        length: int | None = 0,
    ) -> UpstreamAnswer:
        """Send a request as it is to one of the services and return the answer."""
        own = ("Host", f"{self.name}.{service}.{STORAGE_DOMAIN}"), (TIME_HEADER, f"{self._clock.now() * 1000:.0f}")
        others = [(name, value) for name, value in headers if name.lower() not in ("host", TIME_HEADER)]
        self.used.add(service)
        return self._services[service].send(method, target, [*own, *others], body, length)

    def ask(self, service: str, method: str, target: str, *headers: tuple[str, str]) -> UpstreamAnswer:
        """Send a request of our own, as somebody who may do anything."""
        own = [("Authorization", self.bearer()), ("x-ms-version", _VERSION), *headers]
        return self.send(service, method, target, own)

    def bearer(self, oid: str = "", tid: str = "") -> str:
        """Return the Authorization header by which Azurite takes a request of somebody with these ids."""
        return f"Bearer {self._token(oid, tid)}"


def _claims(oid: str, tid: str) -> Mapping[str, object]:
    times = {"iat": 0, "nbf": 0, "exp": _LAST}
    return {"aud": STORAGE, "iss": f"https://sts.windows.net/{tid}/", "oid": oid, "tid": tid, **times}
