"""The errors of `az`: what a failed command prints, and what to run next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.executables.token_client import IdentityNotAssigned, TokenClient, TokenServiceFailed
from azcred_emulators.hosts.refusals import HostError

_CERTIFICATE_AS_PASSWORD = (
    "The error may be caused by passing a service principal certificate with --password. Please note that --password "
    "no longer accepts a service principal certificate. To pass a service principal certificate, use --certificate "
    "instead."
)


class CliError(Exception):
    """A command that fails as `az` foresees it; the recommendation is printed below the error."""

    def __init__(self, text: str, recommendation: str = "") -> None:
        super().__init__(text)
        self.recommendation = recommendation


class UnexpectedError(Exception):
    """What `az` does not foresee: it prints the text with a traceback."""


@contextmanager
def cli_errors(client: TokenClient, *, tenant: str | None = None, scopes: Sequence[str] = ()) -> Iterator[None]:
    """Turn errors of the token service and of the host into az's; `tenant` and `scopes` go into its recommendation."""
    try:
        yield
    except EntraError as error:
        recommendation = _CERTIFICATE_AS_PASSWORD if error.code == 7000215 else _recommendation(tenant, scopes)
        raise CliError(client.error_description(error), recommendation) from error
    except IdentityNotAssigned as error:
        raise CliError(str(error), _recommendation(tenant, scopes)) from error
    except HostError as error:
        raise CliError(client.host.refusals[error.problem].message, _recommendation(tenant, scopes)) from error
    except TokenServiceFailed as error:
        raise UnexpectedError(str(error)) from error


def check_authority(client: TokenClient, tenant: str) -> None:
    """Look the tenant up, as msal does before anything else; raises UnexpectedError if there is none."""
    try:
        client.authority.find_tenant(tenant)
    except EntraError as error:
        raise UnexpectedError(
            f"Unable to get authority configuration for https://login.microsoftonline.com/{tenant}. Authority would "
            "typically be in a format of https://login.microsoftonline.com/your_tenant or "
            "https://tenant_name.ciamlogin.com or https://tenant_name.b2clogin.com/tenant.onmicrosoft.com/policy.  "
            "Also please double check your tenant name or GUID is correct."
        ) from error


def _recommendation(tenant: str | None, scopes: Sequence[str]) -> str:
    command = ["az login"]
    if tenant:
        command.append(f'--tenant "{tenant}"')
    if scopes:
        command += ["--scope", *(f'"{scope}"' for scope in scopes)]
    return (
        "Run the command below to authenticate interactively; additional arguments may be added as needed:\n"
        f"az logout\n{' '.join(command)}"
    )
