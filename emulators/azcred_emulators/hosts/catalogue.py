"""Finds the hosts: every class of a module of this package that has a name."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from azcred_emulators import hosts
from azcred_emulators.hosts.endpoint import Endpoint


def host_classes() -> Mapping[str, type[Endpoint]]:
    """Return the class of each host by its name, in the order of the modules' names.

    Raises TypeError if two classes have the same name.
    """
    classes: dict[str, type[Endpoint]] = {}
    # Looked up like the hosts' modules: pytester makes Python import modules anew, and the classes must fit together.
    base = import_module(Endpoint.__module__).Endpoint
    for module in sorted(module.name for module in pkgutil.iter_modules(hosts.__path__)):
        for value in vars(import_module(f"{hosts.__name__}.{module}")).values():
            if not (isinstance(value, type) and issubclass(value, base) and hasattr(value, "name")):
                continue
            known = classes.setdefault(value.name, value)
            if known is not value:
                raise TypeError(f"the hosts {known.__name__} and {value.__name__} have the same name {value.name!r}")
    return classes
