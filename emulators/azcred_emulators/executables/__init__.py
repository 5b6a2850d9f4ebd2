"""Fake `az`, `pwsh` and `azd`: launchers on PATH, the emulator that they call, and what each executable prints."""
