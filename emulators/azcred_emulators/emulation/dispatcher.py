"""The WSGI application that gives each request to the emulator it is for and records it in the journal."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from werkzeug.wrappers import Response

from azcred_emulators.clock import Clock, stopwatch
from azcred_emulators.clouds import cloud_of
from azcred_emulators.emulation.crashes import Crashes
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.fault import Exchange, RequestFault
from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulation.recorder import Recorder
from azcred_emulators.emulation.request import Request
from azcred_emulators.serving.connection import Disconnect
from azcred_emulators.serving.request_reader import BadRequest
from azcred_emulators.serving.urls import split_url
from azcred_emulators.serving.websocket import Upgrade, WebSocket, WebSocketClosed

_SLASHES = re.compile("/{2,}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Dispatcher:
    """All emulators behind one WSGI callable, told apart by Host header and path.

    `emulators` say themselves what they serve. `mounted` are those without a name of their own: a first part is put
    before their path, `/app-service/msi/token`, which is theirs alone and not in the journal. `addresses` are where
    real machines have emulators of those. `mint` signs claims. An emulator or a fault that raises what it should not is
    one of the `crashes`; its client gets a 500.
    """

    def __init__(
        self,
        emulators: Sequence[Emulator],
        mounted: Mapping[str, Emulator],
        addresses: Mapping[tuple[str, int], Emulator],
        recorder: Recorder,
        clock: Clock,
        crashes: Crashes,
        mint: Callable[[Mapping[str, object]], str],
    ) -> None:
        self._emulators = emulators
        self._mounted = mounted
        self._addresses = addresses
        self._recorder = recorder
        self._clock = clock
        self._crashes = crashes
        self._mint = mint

    def serves(self, host: str) -> bool:
        """Tell whether a real host name is that of an emulator."""
        return host not in _LOOPBACK and any(emulator.serves(host, "/") for emulator in self._emulators)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Callable[[bytes], object]]
    ) -> Iterable[bytes]:
        request = Request(environ)
        address = split_url(f"//{request.host}")
        host = address.hostname or ""
        # Clients write //metadata (msal4j) and common//v2.0 (az in Cloud Shell); the services do not mind.
        emulator, path = self._find(host, address.port, _SLASHES.sub("/", request.path))
        if emulator is None:
            return Response(f"azcred emulates nothing at {host}{path}", status=404, content_type="text/plain")(
                environ, start_response
            )
        if emulator.is_absent(request):
            raise Disconnect
        started = stopwatch()
        entry = self._recorder.open(
            at=self._clock.now(),
            emulator=emulator.name,
            host=emulator.name if emulator.is_host else None,
            method=request.method,
            server_name=host,
            path=path,
        )
        cancelled = emulator.faults.cancelled
        fault = None
        result: dict[str, object] = {}
        try:
            fault = self._fault(emulator, request, path, entry)
            if fault is not None:
                entry = self._recorder.close(entry, fault=type(fault).__name__, **request.details)
            response = self._answer(emulator, request, path, fault, cancelled)
            result["status"] = response.status_code
        except (Disconnect, BadRequest):  # a fault leaves it unanswered, or what is read of its body is malformed
            raise
        except Upgrade as upgrade:
            result["status"] = 101
            raise self._guarded_upgrade(upgrade, emulator, request) from None
        except Exception as error:
            response = self._crashed(emulator, request, error)
            result["status"] = response.status_code
        finally:
            self._recorder.close(entry, duration=stopwatch() - started, **{**request.details, **result})
        pieces = response(environ, start_response)
        return pieces if fault is None else self._guarded(pieces, emulator, request)

    def _crashed(self, emulator: Emulator, request: Request, error: Exception) -> Response:
        """Record a crash and return the answer to its request, which names the exception's class alone: its text may
        hold a secret.
        """
        name = str(request.details.get("emulator", emulator.name))
        self._crashes.record(name, f"{request.method} {request.path}", error)
        request.details["error"] = reason = f"the emulator {name!r} crashed: {type(error).__name__}"
        return Response(f"azcred: {reason}; its traceback is on standard error", status=500)

    def _guarded(self, pieces: Iterable[bytes], emulator: Emulator, request: Request) -> Iterator[bytes]:
        """Yield the pieces of a body that a fault makes; if that crashes, the connection breaks."""
        try:
            yield from pieces
        except (Disconnect, BadRequest):
            raise
        except Exception as error:
            self._crashed(emulator, request, error)
            raise Disconnect(reset=True) from error

    def _guarded_upgrade(self, upgrade: Upgrade, emulator: Emulator, request: Request) -> Upgrade:
        """Return the upgrade; if what serves its websocket crashes, the websocket ends."""
        serve = upgrade.serve

        def guarded(websocket: WebSocket) -> None:
            try:
                serve(websocket)
            except WebSocketClosed:
                return
            except Exception as error:
                self._crashed(emulator, request, error)
                websocket.close(1011)

        upgrade.serve = guarded
        return upgrade

    def _fault(self, emulator: Emulator, request: Request, path: str, entry: JournalEntry) -> RequestFault | None:
        """Return the fault that is due, if it is for such a request."""
        if not emulator.faults:
            return None
        emulator.describe(request, path)
        return emulator.faults.take({**asdict(entry), **request.details})

    def _answer(
        self, emulator: Emulator, request: Request, path: str, fault: RequestFault | None, cancelled: threading.Event
    ) -> Response:
        if fault is None:
            return emulator.answer(request, path)
        return fault.apply(
            Exchange(
                request=request,
                emulator=emulator,
                answer=lambda: emulator.answer(request, path),
                mint=self._mint,
                now=self._clock.now(),
                cancelled=cancelled,
            )
        )

    def _find(self, host: str, port: int | None, path: str) -> tuple[Emulator | None, str]:
        """Return the emulator that a request is for, and the path as the real service would see it."""
        name, _, rest = path[1:].partition("/")
        # What azidentity for Go sends to an identity binding's proxy has the token service's name in its Host header.
        if name in self._mounted and (host in _LOOPBACK or cloud_of(host)):
            return self._mounted[name], f"/{rest}"
        address = (host.replace("localhost", "127.0.0.1"), port or 80)
        if host in _LOOPBACK and address in self._addresses:
            return self._addresses[address], path
        return next((emulator for emulator in self._emulators if emulator.serves(host, path)), None), path
