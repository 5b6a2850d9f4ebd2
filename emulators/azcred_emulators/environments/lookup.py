"""Environments by what users call them, and what the table says of all of them together."""

import difflib
from collections.abc import Mapping, Sequence

from azcred_emulators.environments.environment import Address, Environment
from azcred_emulators.environments.guesses import GUESSES
from azcred_emulators.environments.table import ENVIRONMENTS

_BY_ALIAS: Mapping[str, Environment] = {
    environment.alias: environment for environment in ENVIRONMENTS.values() if environment.alias
}


def host_addresses() -> Mapping[Address, str]:
    """Return the real addresses at which places have their hosts, with the name of each host."""
    return {
        address: environment.host
        for environment in ENVIRONMENTS.values()
        if environment.host
        for address in environment.addresses
    }


def agent_folders() -> Sequence[str]:
    """Return the folders of the agents that serve hosts on real machines."""
    return [folder for environment in ENVIRONMENTS.values() for folder in environment.agent_folders]


def select(*names: str) -> list[Environment]:
    """Return the environments of these names, "*" for all in which DefaultAzureCredential finds an identity.

    Raises LookupError for a name that no environment has, as `find` does.
    """
    chosen: dict[str, Environment] = {}
    for name in names:
        environments = [find(name)] if name != "*" else [each for each in ENVIRONMENTS.values() if each.provider]
        chosen |= {environment.name: environment for environment in environments}
    return list(chosen.values())


def find(name: str) -> Environment:
    """Return the environment of this name or alias.

    Raises LookupError for any other name, with those that are probably meant: by a list of usual words, else by
    spelling.
    """
    environment = ENVIRONMENTS.get(name) or _BY_ALIAS.get(name)
    if environment is not None:
        return environment
    word = name.strip().lower().replace("_", "-").replace(" ", "-")
    near = GUESSES.get(word) or difflib.get_close_matches(word, [*ENVIRONMENTS, *_BY_ALIAS], n=1, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(ENVIRONMENTS)}."
    raise LookupError(f"there is no environment {name!r}; {hint}")
