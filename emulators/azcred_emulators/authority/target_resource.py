"""The resource that a token is for: one of Microsoft's services, or an application of the directory."""

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import Application, Directory
from azcred_emulators.directory.known_resources import is_known_resource


def check_known(directory: Directory, resource: str, *, tenant: str) -> None:
    """Raise EntraError if there is no such resource; `tenant` is what the error calls the tenant."""
    if not is_known_resource(resource, directory):
        raise EntraError(500011, resource=resource, tenant=tenant)


def find_target(directory: Directory, resource: str, *, tenant: str) -> Application | None:
    """Return the directory's application behind a resource, None for one of Microsoft's.

    Raises EntraError if there is no such resource, or if it is disabled.
    """
    check_known(directory, resource, tenant=tenant)
    application = directory.application_for_resource(resource)
    if application and not application.enabled:
        raise EntraError(50001, resource=resource, tenant=tenant)
    return application
