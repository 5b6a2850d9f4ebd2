"""The fake Azure CLI, `az`."""

from azcred_emulators.executables.azure_cli.tool import AzureCli

__all__ = ["AzureCli"]
