"""What to do about a refused connection, as it is said in a test, in an isolated run, and below `azcred run`."""

from azcred_emulators.audiences import SERVICES, STORAGE_DOMAIN, STORAGE_SERVICES
from azcred_emulators.clouds import (
    DEVICE_LOGIN_HOST,
    IMDS_ADDRESS,
    RESOURCE_MANAGER_HOST,
    authority_names,
    graph_names,
)
from pytest_azcred.redirect.remedies import Remedy

_WEB = (0, 80, 443)
_HTTPS = (0, 443)
# At these ports no HTTP is spoken: SSH, mail, databases, message brokers, caches.
_OTHER_PROTOCOLS = (
    *(21, 22, 25, 465, 587, 993, 995),
    *(1433, 1521, 3306, 5432, 6432, 10255, 27017),
    *(1883, 5671, 5672, 8883, 9092, 9093),
    *(6379, 6380, 11211),
)
_STORAGE = [f"*.{service}.{STORAGE_DOMAIN}" for service in STORAGE_SERVICES]
_ACCOUNTS = [host for service in SERVICES if service.https for host in service.hosts]
# An SDK that reads "unreachable" in a proxy's refusal goes on with its next credential, as with Docker Desktop's.
_METADATA = Remedy(
    [IMDS_ADDRESS],
    (),
    'the metadata service is unreachable: it answers at port 80 alone, in an environment such as "virtual-machine"',
)


def in_a_test() -> list[Remedy]:
    """Return what helps in a test that uses `azcred`, and in the processes that it starts."""
    return _by_fixtures("call azcred.{} in the test")


def in_an_isolated_run() -> list[Remedy]:
    """Return what helps where the run is isolated, but no test uses `azcred`."""
    emulated = [*authority_names(), *graph_names(), DEVICE_LOGIN_HOST, RESOURCE_MANAGER_HOST]
    return [
        Remedy(emulated, _HTTPS, "let the test use the fixture azcred, or another one with it, which answers there"),
        *_by_fixtures("let the test use the fixture azcred and call azcred.{}"),
    ]


def in_a_command() -> list[Remedy]:
    """Return what helps in a command that `azcred run` or `azcred shell` has started."""
    route = "start the command with the option --route {}=%s://127.0.0.1:PORT to have a local server answer there"
    return [
        _METADATA,
        Remedy(_STORAGE, _HTTPS, "start the command with the option --azurite {account} to have the account"),
        Remedy(
            _ACCOUNTS,
            _HTTPS,
            'put [[resources]] with url = "https://{host}" into the file of the option --config for a stand-in that '
            "checks tokens",
        ),
        *_routes(route),
    ]


def _by_fixtures(call: str) -> list[Remedy]:
    resource = call.format('resource("https://{host}")')
    return [
        _METADATA,
        Remedy(
            _STORAGE,
            _HTTPS,
            'let the test use the fixture azurite, with "{account}" in the ini option azcred_azurite_accounts',
        ),
        Remedy(_ACCOUNTS, _HTTPS, f"{resource} for a stand-in that checks tokens"),
        *_routes(call.format('route("{}", "%s://127.0.0.1:PORT")') + " to have a local server answer for it"),
    ]


def _routes(call: str) -> list[Remedy]:
    """Return the remedies for all other hosts; `call` has places for host and scheme."""
    return [
        Remedy((), _WEB, call.format("{host}") % "http"),
        Remedy((), _OTHER_PROTOCOLS, call.format("{where}") % "tcp"),
        Remedy((), (), call.format("{where}") % "http"),
    ]
