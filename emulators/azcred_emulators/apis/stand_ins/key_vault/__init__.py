"""Key Vault: secrets, keys and certificates that are set and read."""
