"""Connections that break while an answer is due."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from werkzeug.wrappers import Response

from azcred_emulators.emulation.fault import Exchange, RequestFault, in_pieces
from azcred_emulators.serving.connection import Disconnect


@dataclass(frozen=True, slots=True, repr=False)
class Reset(RequestFault):
    """A connection that is reset instead of answered.

    :param in_body: True to reset it in the middle of the body.
    """

    outcome: ClassVar[str | None] = "unavailable"

    in_body: bool = False

    def apply(self, exchange: Exchange) -> Response:
        """Reset the connection."""
        if not self.in_body:
            raise Disconnect(reset=True)

        def half(body: bytes) -> Iterator[bytes]:
            yield body[: len(body) // 2]
            raise Disconnect(reset=True)

        return in_pieces(exchange.answer(), half)


@dataclass(frozen=True, slots=True, repr=False)
class Truncate(RequestFault):
    """A valid answer whose connection is closed in the middle of the body."""

    outcome: ClassVar[str | None] = "malformed"

    def apply(self, exchange: Exchange) -> Response:
        """Close the connection in the middle of the body."""

        def half(body: bytes) -> Iterator[bytes]:
            yield body[: len(body) // 2]
            raise Disconnect

        return in_pieces(exchange.answer(), half)
