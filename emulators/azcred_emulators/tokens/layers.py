"""Who issues tokens at the moment: each token bears the number of a layer, and is good as long as that is there.

A test is a layer over its module or session if these use the emulators too, else it is the only one. So the token of
an earlier test, kept by some cache of the process, is not taken for one of the present test.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

ANOTHER_TEST = (
    "the token was issued in another test, and something in the process has kept it: make the client or credential "
    "anew in each test, or clear the cache that holds it"
)


@dataclass(slots=True)
class Layer:
    """A layer: the ids of those whose places are in it, and of everybody whom the one below it knows."""

    number: int
    known_below: Container[str] = ()
    identities: set[str] = field(default_factory=set)


class Layers:
    """The layers that are there, the lowest first; there is always one."""

    def __init__(self) -> None:
        self._last = 1
        self._layers = [Layer(self._last)]

    @property
    def top(self) -> Layer:
        """The layer that was added last."""
        return self._layers[-1]

    def __len__(self) -> int:
        return len(self._layers)

    def __contains__(self, number: object) -> bool:
        return any(layer.number == number for layer in self._layers)

    def add(self, known: Container[str]) -> None:
        """Add a layer; `known` are the ids of everybody in the directory now."""
        self._last += 1
        self._layers.append(Layer(self._last, known))

    def remove(self) -> None:
        """Remove the top layer."""
        self._layers.pop()

    def restart(self) -> None:
        """Begin anew with one layer, whose tokens are no longer those of the earlier ones."""
        self._last += 1
        self._layers = [Layer(self._last)]

    def of(self, ids: Iterable[str]) -> int:
        """Return the number of the layer that issues a token for those with these client and object ids.

        It is the lowest one that has a place of theirs, else the lowest one that knows all of them: what a session has
        made outlives the test in which it first asks, and a user whom a test has added does not.
        """
        names = {name.lower() for name in ids}
        for layer in self._layers:
            if names & layer.identities:
                return layer.number
        for below, layer in zip(self._layers, self._layers[1:], strict=False):
            if names and all(name in layer.known_below for name in names):
                return below.number
        return self.top.number
