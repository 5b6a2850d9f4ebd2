"""The fake Azure CLI, `az`."""
