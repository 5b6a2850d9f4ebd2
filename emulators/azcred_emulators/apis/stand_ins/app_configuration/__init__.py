"""App Configuration: settings with labels, and references to secrets of Key Vault."""
