"""What `az` prints when a token is refused: the token service's text, and what to run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.executables.accounts import Accounts, IdentityNotFound, TokenServiceFailed
from azcred_emulators.executables.azure_cli.command import CliError
from azcred_emulators.hosts.refusals import HostError

_CERTIFICATE_AS_PASSWORD = (
    "The error may be caused by passing a service principal certificate with --password. Please note that --password "
    "no longer accepts a service principal certificate. To pass a service principal certificate, use --certificate "
    "instead."
)


class UnexpectedError(Exception):
    """What `az` does not foresee: it prints the text with a traceback."""


@contextmanager
def refused(accounts: Accounts, *, tenant: str | None = None, scopes: Sequence[str] = ()) -> Iterator[None]:
    """Turn a refusal into az's error; `tenant` and `scopes` are what its advice names."""
    try:
        yield
    except EntraError as error:
        advice = _CERTIFICATE_AS_PASSWORD if error.code == 7000215 else _advice(tenant, scopes)
        raise CliError(accounts.describe(error), advice) from error
    except IdentityNotFound as error:
        raise CliError(str(error), _advice(tenant, scopes)) from error
    except HostError as error:
        raise CliError(accounts.host.refusals[error.problem].message, _advice(tenant, scopes)) from error
    except TokenServiceFailed as error:
        raise UnexpectedError(str(error)) from error


def check_authority(accounts: Accounts, tenant: str) -> None:
    """Read a tenant's documents, as msal does before anything else; raises UnexpectedError if there is none."""
    try:
        accounts.authority.find_tenant(tenant)
    except EntraError as error:
        raise UnexpectedError(
            f"Unable to get authority configuration for https://login.microsoftonline.com/{tenant}. Authority would "
            "typically be in a format of https://login.microsoftonline.com/your_tenant or "
            "https://tenant_name.ciamlogin.com or https://tenant_name.b2clogin.com/tenant.onmicrosoft.com/policy.  "
            "Also please double check your tenant name or GUID is correct."
        ) from error


def _advice(tenant: str | None, scopes: Sequence[str]) -> str:
    command = ["az login"]
    if tenant:
        command.append(f'--tenant "{tenant}"')
    if scopes:
        command += ["--scope", *(f'"{scope}"' for scope in scopes)]
    return (
        "Run the command below to authenticate interactively; additional arguments may be added as needed:\n"
        f"az logout\n{' '.join(command)}"
    )
