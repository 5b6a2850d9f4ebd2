"""The places where an app can run: the table, and what puts a process into one of them."""

from azcred_emulators.environments.table import ENVIRONMENTS, Environment, find, select

__all__ = ["ENVIRONMENTS", "Environment", "find", "select"]
