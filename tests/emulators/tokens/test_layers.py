"""Who issues tokens: the layer that a place, or else an entity, belongs to."""

import pytest

from azcred_emulators.tokens.layers import Layers

SESSION, TEST, NOBODY = "session's", "test's", "nobody's"


@pytest.fixture
def layers() -> Layers:
    """Two layers: a session's, whose directory has the session's application, and a test's over it."""
    layers = Layers()
    layers.add({SESSION})
    return layers


def test_whoever_is_in_the_directory_below_is_served_by_the_lower_layer(layers: Layers) -> None:
    """In any case of the ids; all others by the one on top, and so is a client of the session for a test's user."""
    top = layers.top.number
    assert layers.of([SESSION.upper()]) != top
    assert layers.of([TEST, SESSION]) == top
    assert layers.of([TEST]) == layers.of([NOBODY]) == layers.of([]) == top


def test_a_place_comes_first(layers: Layers) -> None:
    """The test's own place issues the tokens of its identity, although the session's directory has that, too."""
    layers.top.identities.add(SESSION)
    assert layers.of([NOBODY, SESSION]) == layers.top.number


def test_the_lowest_place_wins() -> None:
    """When several layers are in places with the same identity, the token outlives the inner ones."""
    layers = Layers()
    layers.top.identities.add(SESSION)
    lowest = layers.top.number
    layers.add({SESSION})
    layers.top.identities.add(SESSION)
    assert layers.of([SESSION]) == lowest


def test_what_is_gone_is_not_among_them(layers: Layers) -> None:
    """Numbers are not used again, neither after a removal nor after a new start."""
    first = layers.top.number
    layers.remove()
    assert first not in layers
    layers.add(())
    assert layers.top.number not in (first, layers.of([SESSION]) - 1)
    before = [layers.top.number, layers.of([SESSION])]
    layers.restart()
    assert len(layers) == 1
    assert not any(number in layers for number in before)
    assert layers.top.number in layers
