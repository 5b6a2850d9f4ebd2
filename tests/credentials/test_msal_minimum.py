"""The oldest msal that is allowed has all that is used of it; `make test-msal` runs our credentials with it."""

import ast
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

import pytest_azcred.credentials

MINIMUM = ">=1.29"  # the first with a client for managed identity
# All of these are in that release. Before a name is added, look whether it is, too.
NAMES = {
    "ConfidentialClientApplication",
    "ManagedIdentityClient",
    "PublicClientApplication",
    "SystemAssignedManagedIdentity",
    "TokenCache",
    "UserAssignedManagedIdentity",
}


def used() -> Iterator[str]:
    """Yield the names of msal in the modules of our credentials."""
    for module in Path(pytest_azcred.credentials.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "msal":
                yield node.attr


def test_the_minimum() -> None:
    """It is low enough for code bases that pin a release that is some years old."""
    (requirement,) = (each for each in map(Requirement, requires("pytest-azcred") or ()) if each.name == "msal")
    assert str(requirement.specifier) == MINIMUM


def test_what_is_used() -> None:
    """Nothing of a newer release is."""
    assert set(used()) == NAMES
