"""Emulators of Entra ID and of the hosts of managed identities, usable without pytest."""
