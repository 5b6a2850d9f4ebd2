"""Bodies of requests that are too large to be held."""

from collections.abc import Callable


class UnreadBody:
    """The body of a request that was not read ahead: the application reads it while it arrives.

    `piece` waits for the next bytes and returns b"" at the end.
    """

    def __init__(self, piece: Callable[[], bytes]) -> None:
        self._piece = piece
        self._held = b""
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, fewer at the end, all that is left for a negative number."""
        pieces, length = [self._held], len(self._held)
        while not self._ended and (size < 0 or length < size):
            pieces.append(self._piece())
            length += len(pieces[-1])
            self._ended = not pieces[-1]
        data = b"".join(pieces)
        end = length if size < 0 else size
        self._held = data[end:]
        return data[:end]
