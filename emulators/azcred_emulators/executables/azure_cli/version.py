"""`az version` and `az --version`."""

import os
import sys

from azcred_emulators.executables.azure_cli.command import CommandContext

LATEST = "2.91.0"
_TELEMETRY = "1.1.0"


def show_versions(context: CommandContext) -> dict[str, object]:
    """Return the versions of the modules."""
    return {
        "azure-cli": context.version,
        "azure-cli-core": context.version,
        "azure-cli-telemetry": _TELEMETRY,
        "extensions": {},
    }


def describe(version: str, folder: str) -> str:
    """Return what `az --version` prints; `folder` is the configuration's."""
    return "\n".join(
        [
            f"{'azure-cli':33} {version}",
            "",
            f"{'core':33} {version}",
            f"{'telemetry':34} {_TELEMETRY}",
            "",
            "Dependencies:",
            f"{'msal':33} 1.39.0",
            f"{'azure-mgmt-resource':33} 24.0.0",
            "",
            f"Python location '{sys.executable}'",
            f"Config directory '{folder}'",
            f"Extensions directory '{os.path.join(folder, 'cliextensions')}'",
            "",
            f"Python ({'Windows' if sys.platform == 'win32' else sys.platform.title()}) {sys.version}",
            "",
            "Legal docs and information: aka.ms/AzureCliLegal",
            "",
            "",
            "Your CLI is up-to-date.",
            "",
        ]
    )
