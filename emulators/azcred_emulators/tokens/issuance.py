"""The order in which tokens are issued, by whom, and on what clock: what their `uti` says to those who can read it."""

import base64
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from azcred_emulators.clock import Clock
from azcred_emulators.emulation.checkpoint import Undo
from azcred_emulators.tokens.layers import Layers

# The parts of a `uti`, in bytes: which token of the run it is, the layer that issued it, and what is random.
_NUMBER, _LAYER, _RANDOM = 8, 4, 4


@dataclass(frozen=True, slots=True)
class _Return:
    """A time after which the clock may have gone back: tokens with numbers in between were issued until then."""

    first: int
    last: int
    until: float


class Issuance:
    """The tokens of a run, counted; `last_number` is that of the last one."""

    def __init__(self, clock: Clock, layers: Layers) -> None:
        self.last_number: int = 0
        self._clock = clock
        self._layers = layers
        self._lock = threading.Lock()
        self._returns: list[_Return] = []

    def uti(self, *ids: str) -> str:
        """Return the `uti` of a new token for those with these client and object ids."""
        with self._lock:
            self.last_number += 1
            number = self.last_number
        parts = number.to_bytes(_NUMBER, "big") + self._layers.of(ids).to_bytes(_LAYER, "big") + os.urandom(_RANDOM)
        return base64.urlsafe_b64encode(parts).rstrip(b"=").decode()

    def is_current(self, claims: Mapping[str, object]) -> bool:
        """Tell whether the layer that issued a token is still there; one that was not issued here has none."""
        if not 0 < number_of(claims) <= self.last_number:
            return True
        return int.from_bytes(_parts(claims)[_NUMBER : _NUMBER + _LAYER], "big") in self._layers

    def was_valid(self, claims: Mapping[str, object], starts: float) -> bool:
        """Tell whether a token that starts then was valid when it was issued, on a clock that has gone back since."""
        number = number_of(claims)
        return any(each.first < number <= each.last and starts <= each.until for each in self._returns)

    def checkpoint(self) -> Undo:
        """Note the last token; returns the function that is called before the clock may go back.

        What was issued in between stays valid: a credential that is older than the test hands it out until it expires.
        """
        first = self.last_number
        if len(self._layers) == 1:  # the clock of the others goes back, to where what they forget is needed again
            now = self._clock.now()
            self._returns = [each for each in self._returns if each.until > now]

        def undo() -> None:
            if self.last_number > first:
                self._returns.append(_Return(first, self.last_number, self._clock.now()))

        return undo

    def reset(self) -> None:
        """Forget on what clock tokens were issued."""
        self._returns.clear()


def number_of(claims: Mapping[str, object]) -> int:
    """Return which token of the run this is, counted from 1; 0 if it was not issued here.

    Time cannot tell what was issued before a revocation: `iat` is back-dated and in whole seconds.
    """
    return int.from_bytes(_parts(claims)[:_NUMBER], "big")


def _parts(claims: Mapping[str, object]) -> bytes:
    """Return the bytes of a token's `uti`, none if it is not one of ours."""
    try:
        parts = base64.urlsafe_b64decode(f"{claims['uti']}==")
    except (KeyError, ValueError):
        return b""
    return parts if len(parts) == _NUMBER + _LAYER + _RANDOM else b""
