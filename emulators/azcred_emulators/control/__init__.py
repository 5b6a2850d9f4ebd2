"""How a server is controlled from outside: an API, events, and pages for people. Nothing here is Azure's."""

from azcred_emulators.control.application import Control

__all__ = ["Control"]
