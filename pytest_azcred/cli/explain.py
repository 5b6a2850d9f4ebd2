"""`azcred explain`: what DefaultAzureCredential finds on this machine."""

import argparse

from pytest_azcred.cli.commands import CommandError, Commands


def add_command(commands: Commands) -> None:
    """Declare `azcred explain`."""
    command = commands.add_parser(
        "explain",
        help="show what DefaultAzureCredential finds on this machine, and what to do if that is nothing",
        description="Request a token from every credential of the chain, on this machine and with its own identity, "
        "and show what each one found, requested and lacks. Neither secrets nor tokens are shown. The exit code is 0 "
        "if there is a token, 1 if there is none, 2 if a variable or the scope is malformed.",
    )
    command.add_argument(
        "--scope",
        default="https://management.azure.com/.default",
        metavar="URL",
        help="what the token would be for (default: %(default)s)",
    )
    command.set_defaults(call=_explain)


def _explain(options: argparse.Namespace) -> int:
    from pytest_azcred.credentials import DefaultAzureCredential

    try:
        with DefaultAzureCredential() as credential:
            explanation = credential.explain(options.scope)
    except (OSError, TypeError, ValueError) as error:  # a malformed variable or scope, or a certificate's file
        raise CommandError(f"the credentials cannot be used: {error}") from None
    print(explanation)
    return 0 if explanation.selected else 1
