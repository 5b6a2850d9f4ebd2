"""The places where an app can run: the table, and what puts a process into one of them."""

from azcred_emulators.environments.environment import Environment
from azcred_emulators.environments.lookup import agent_folders, find, host_addresses, select
from azcred_emulators.environments.table import ENVIRONMENTS

__all__ = ["ENVIRONMENTS", "Environment", "agent_folders", "find", "host_addresses", "select"]
