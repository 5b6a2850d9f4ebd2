"""The package costs nothing until it is used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import azure.identity
import pytest
from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.exceptions import ClientAuthenticationError

from pytest_azcred import credentials

pytestmark = pytest.mark.slow

OWN = {"pytest_azcred", "azcred_emulators"}


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has imported after a statement."""
    script = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_else() -> None:
    """Neither msal nor azure-core, which take 0.2 s together."""
    imported = {name.split(".")[0] for name in modules_after("import pytest_azcred.credentials")}
    assert imported.isdisjoint({"msal", "azure", "requests", "pytest", "azcred_emulators"})


@pytest.mark.parametrize("package", ["pytest_azcred.credentials", "pytest_azcred.credentials.aio"])
def test_the_default_chain_does_not_even_cost_azure_core(package: str) -> None:
    """It is imported when a chain is made, if a client of the Azure SDK has not done so before."""
    imported = {name.split(".")[0] for name in modules_after(f"from {package} import DefaultAzureCredential")}
    assert imported.isdisjoint({"azure", "msal", "requests", "cryptography", "asyncio", "subprocess"})


@pytest.mark.parametrize("name", credentials.__all__)
def test_no_name_costs_msal(name: str) -> None:
    """It is imported for the first request that needs it."""
    imported = modules_after(f"from pytest_azcred.credentials import {name}")
    assert imported.isdisjoint({"msal", "requests", "azcred_emulators", "pytest"})


def test_the_names() -> None:
    """All can be listed and imported, and no others."""
    assert {getattr(credentials, name).__name__ for name in credentials.__all__} == set(credentials.__all__)
    assert set(credentials.__all__) <= set(dir(credentials))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        print(credentials.Nothing)  # type: ignore[attr-defined]  # that is the point


@pytest.mark.parametrize("name", sorted(name for name in credentials.__all__ if name.endswith("Credential")))
def test_each_takes_what_that_of_azure_identity_takes(name: str) -> None:
    """By position in the same order, and the same keywords."""
    ours = inspect.signature(getattr(credentials, name)).parameters
    theirs = inspect.signature(getattr(azure.identity, name)).parameters
    by_position = [one.name for one in theirs.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert [one.name for one in ours.values() if one.kind is one.POSITIONAL_OR_KEYWORD] == by_position
    if "kwargs" not in ours:
        assert set(theirs) <= set(ours)


def test_the_clouds_are_those_of_azure_identity() -> None:
    """By the same names."""
    names = [name for name in vars(azure.identity.AzureAuthorityHosts) if name.startswith("AZURE_")]
    ours, theirs = credentials.AzureAuthorityHosts, azure.identity.AzureAuthorityHosts
    assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}


def test_each_credential_is_one_for_the_azure_sdk() -> None:
    """By either of its protocols; type checkers agree."""
    chain = credentials.ChainedTokenCredential(credentials.EnvironmentCredential())
    old: list[TokenCredential] = [chain, credentials.EnvironmentCredential()]
    new: list[SupportsTokenInfo] = [chain, credentials.EnvironmentCredential()]
    assert all(isinstance(credential, TokenCredential) for credential in old)
    assert all(isinstance(credential, SupportsTokenInfo) for credential in new)
    assert issubclass(credentials.CredentialUnavailableError, ClientAuthenticationError)


def test_the_package_imports_nothing_else_of_the_project() -> None:
    """It is usable in production, without pytest and without the emulators."""
    for module in Path(credentials.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, module
                names = [node.module or ""] if not node.level else []
            own = [name for name in names if name.split(".")[0] in {"pytest", "_pytest", *OWN}]
            assert all(f"{name}.".startswith("pytest_azcred.credentials.") for name in own), module


def imports_of(module: Path, root: Path) -> set[str]:
    """What a module of the library imports of it, anywhere and also for annotations only, by paths of modules."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if not isinstance(node, ast.ImportFrom | ast.Import):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            folder = module.parent if node.level else root.parent.parent
            base = folder.joinpath(*(node.module or "").split("."))
            found |= {base, *(base / name for name in names)}
        else:
            found |= {root.parent.parent.joinpath(*name.split(".")) for name in names}
    files = {path.with_suffix(".py") for path in found} | {path / "__init__.py" for path in found}
    return {str(file) for file in files if file.is_file() and file.is_relative_to(root)}


def test_no_module_imports_itself_through_others() -> None:
    """Neither when the package is imported, nor later, nor for a type checker."""
    root = Path(credentials.__file__).parent
    graph = {str(module): imports_of(module, root) - {str(module)} for module in root.rglob("*.py")}
    assert sum(map(len, graph.values())) > 100
    while free := [module for module, imported in graph.items() if imported.isdisjoint(graph)]:
        for module in free:
            del graph[module]
    assert not graph, sorted(graph)
