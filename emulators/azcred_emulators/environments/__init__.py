"""The places where an app can run: the table, and what puts a process into one of them."""

from azcred_emulators.environments.table import (
    ENVIRONMENTS,
    Environment,
    agent_folders,
    find,
    host_addresses,
    select,
)

__all__ = ["ENVIRONMENTS", "Environment", "agent_folders", "find", "host_addresses", "select"]
