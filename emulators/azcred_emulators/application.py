"""The WSGI application that gives each request to the emulator it is for and records it in the journal."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from werkzeug.wrappers import Response

from azcred_emulators.clock import Clock, stopwatch
from azcred_emulators.emulator import Emulator, Request
from azcred_emulators.journal import Journal

_SLASHES = re.compile("/{2,}")


class Application:
    """All emulators behind one WSGI callable, told apart by Host header and path."""

    def __init__(self, emulators: Sequence[Emulator], journal: Journal, clock: Clock) -> None:
        self._emulators = emulators
        self._journal = journal
        self._clock = clock

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Callable[[bytes], object]]
    ) -> Iterable[bytes]:
        request = Request(environ)
        # Clients write //metadata (msal4j) and common//v2.0 (az in Cloud Shell); the services do not mind.
        path = _SLASHES.sub("/", request.path)
        host = request.host.rpartition(":")[0] if ":" in request.host else request.host
        emulator = next((one for one in self._emulators if one.serves(host, path)), None)
        if emulator is None:
            return Response(f"azcred emulates nothing at {host}{path}", status=404, content_type="text/plain")(
                environ, start_response
            )
        started = stopwatch()
        entry = self._journal.open(
            at=self._clock.now(),
            emulator=emulator.name,
            method=request.method,
            server_name=host,
            path=path,
        )
        response = emulator.answer(request, path)
        self._journal.close(entry, status=response.status_code, duration=stopwatch() - started, **request.details)
        return response(environ, start_response)
