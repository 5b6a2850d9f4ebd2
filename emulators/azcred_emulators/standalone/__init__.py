"""The emulators as a server of their own, with sessions, for programs in any language."""
