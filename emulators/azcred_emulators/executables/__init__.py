"""Fake `az`, `pwsh` and `azd`: launchers on PATH, and what they print, one module each."""
