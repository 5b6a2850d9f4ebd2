"""What the fixture `azcred` hands out: the emulators around one test, and where the test's app runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azcred_emulators.directory import Directory, User
from azcred_emulators.emulation.journal import Journal
from azcred_emulators.environments import find
from azcred_emulators.serving.tls import write_private
from pytest_azcred.clock import Clock
from pytest_azcred.place import Place
from pytest_azcred.redirect.own_route import own_route
from pytest_azcred.redirect.routes import Route
from pytest_azcred.scope import Scope

if TYPE_CHECKING:
    from azcred_emulators.apis.protected_resource import ProtectedResource
    from azcred_emulators.apis.stand_in import StandIn
    from azcred_emulators.authority.service import Authority
    from azcred_emulators.emulation.script import Faults
    from azcred_emulators.executables.launcher_endpoint import Executables
    from azcred_emulators.federation.issuers import Issuers
    from azcred_emulators.federation.pipelines import Pipeline
    from azcred_emulators.hosts.endpoint import Endpoint
    from azcred_emulators.tokens import Tokens
    from pytest_azcred.browser import FakeBrowser
    from pytest_azcred.web_sign_in import AuthorizationResponse


class Azcred:
    """Azure on this machine, for one scope: places for the app, and everything that the emulators have.

    The scope is a test, its class, module or session, or the body of a `with`. "The end" below is the end of this
    scope.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._emulators = scope.emulators

    @property
    def clock(self) -> Clock:
        """The clock that the app and the emulators use. The test moves it."""
        return self._scope.clock

    @property
    def directory(self) -> Directory:
        """The emulated tenants and everything in them. The test may change them at any time."""
        return self._emulators.directory

    @property
    def journal(self) -> Journal:
        """Every request that reached an emulator since the scope began, including those of inner scopes."""
        return self._scope.journal

    @property
    def authority(self) -> "Authority":
        """The Entra ID token service. Faults in `authority.faults` apply to its next token requests."""
        return self._emulators.authority

    @property
    def tokens(self) -> "Tokens":
        """Creates tokens like those that the emulators issue."""
        return self._emulators.tokens

    @property
    def issuers(self) -> "Issuers":
        """The token issuers outside Entra ID, such as a Kubernetes cluster's."""
        return self._emulators.issuers

    @property
    def executables(self) -> "Executables":
        """The fake developer tools: `executables["az"]` has its signed-in users and its faults."""
        return self._emulators.executables

    @property
    def routes(self) -> Sequence[Route]:
        """Where connections of the app go."""
        return self._scope.process.routes

    @property
    def browser(self) -> "FakeBrowser":
        """The browser that `webbrowser` opens from now on: it signs a user in, cancels, or does nothing."""
        return self._scope.browser

    @property
    def place(self) -> Place | None:
        """Where the app is: the place that was entered last, here or in an outer scope. None if there is none."""
        return self._scope.place

    @property
    def hosts(self) -> "Mapping[str, Endpoint]":
        """The managed identity hosts by name, such as "imds" and "app-service"."""
        return self._emulators.hosts

    @property
    def pipelines(self) -> "Mapping[str, Pipeline]":
        """The token services for the jobs of "azure-pipelines" and "github-actions"."""
        return self._emulators.pipelines

    def faults_of(self, name: str) -> "Faults[Any]":
        """Return the faults of the next requests to an emulator.

        :param name: the emulator, such as "imds" or "authority".
        :return: its faults, to add to.
        :raises LookupError: there is no such emulator.
        """
        return self._emulators.faults_of(name)

    def environment(self, *names: str, variables: Mapping[str, str | None] | None = None) -> Place:
        """Put the app into an environment until the end, or until the place is left.

        Several environments combine, in one call or in several. The order of the chain decides whose identity the app
        has: `with azcred.environment("kubernetes", "developer-azure-cli") as place: ...`. Places of an outer scope are
        hidden meanwhile.

        :param names: the environments, such as "virtual-machine".
        :param variables: variables to set in addition to those of the environments, or to override them; None removes a
            variable: `variables={"WEBSITE_HOSTNAME": "shop.contoso.com"}`.
        :return: the place. Use it in a `with` to leave it before the end.
        :raises LookupError: there is no such environment; the message has the nearest name.
        :raises TypeError: no name is given.
        """
        if not names:
            raise TypeError('environment() takes at least one name, such as "virtual-machine"')
        return self._scope.enter([find(name) for name in names], variables or {})

    def install(self, *names: str) -> None:
        """Put fake executables first on PATH until the end.

        :param names: the executables: "az", "pwsh", "powershell" or "azd".
        :raises LookupError: there is no such fake.
        """
        self._scope.install(*names)

    def uninstall(self, *names: str) -> None:
        """Remove fake executables from PATH.

        :param names: the executables, such as "az".
        :raises LookupError: there is no such fake.
        """
        self.executables.uninstall(*names)

    def route(self, host: str, to: str) -> None:
        """Send connections for a real host name to a local server until the end.

        :param host: a name such as "orders.contoso.com", with a port if it is not the usual one. A server with an http
            URL answers for http and https at this port. A tcp URL has no usual port, so the host needs one.
        :param to: the URL of the local server. "http://127.0.0.1:8080" speaks HTTP without TLS: it answers for http
            (port 80) and https (port 443), where the emulators present the certificate. "https://127.0.0.1:10000" has a
            certificate from `certificate(host)`. "tcp://127.0.0.1:5432" is anything else, such as a database; its bytes
            are passed on unchanged.
        :raises ValueError: one of the two does not have this form.
        """
        addresses = own_route(host, to).addresses(self._scope.process.relay)
        self._scope.add_routes(Route(name, port, address) for (name, port), address in addresses.items())

    def federate(self, domain: str) -> None:
        """Let the users of a domain sign in at an AD FS of their own until the end.

        AD FS answers at "sts." followed by the domain. It checks the passwords of the directory, and it is also a token
        service that clients address as the tenant "adfs".

        :param domain: the domain, such as "fabrikam.com". If no tenant has it, it is added to Contoso.
        """
        self._emulators.adfs.federate(domain)

    def resource(
        self,
        url: str,
        audience: str | Sequence[str] | None = None,
        *,
        stand_in: "type[StandIn] | None" = None,
        tenant: str | None = None,
    ) -> "ProtectedResource":
        """Put a protected resource at a real URL, until the end.

        It checks tokens as the real service does, challenges clients without a token, and returns what the test sets
        with `answer()`. Several services have a stand-in that answers by itself, with what the test puts into it with
        `fill()`.

        :param url: an https URL, such as "https://myvault.vault.azure.net".
        :param audience: the audience that tokens must have, or several; by default those of the Azure service with such
            names, else the URL.
        :param stand_in: a class of your own whose answers the resource gives.
        :param tenant: the id or a domain of the tenant that challenges name; by default the directory's first.
        :return: the resource.
        :raises ValueError: the URL is not an https URL, or the directory does not have the tenant.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"a resource is at an https URL such as 'https://myvault.vault.azure.net', not at {url!r}")
        self._scope.add_routes([Route(parts.hostname, parts.port or 443, self._emulators.https.address)])
        return self._emulators.resources.add(parts.hostname, audience, stand_in=stand_in, tenant=tenant)

    def sign_in(
        self,
        url: str,
        user: User | str | None = None,
        *,
        password: str | None = None,
        mfa: bool = True,
        consent: bool = True,
    ) -> "AuthorizationResponse":
        """Sign a user in to a web app: follow its redirect, and return what the browser brings back to it.

        :param url: where the app redirects the user: a URL of `/authorize`.
        :param user: a user of the directory, or their principal name or object id; by default the first user.
        :param password: what the user types; by default the password that the directory has.
        :param mfa: False if the user denies the second factor; the app is told so.
        :param consent: False if the user denies what the app asks for; the app is told so.
        :return: what comes back to the app, such as a code.
        :raises SignInError: the token service shows an error page instead.
        :raises ValueError: the URL is not one of `/authorize`.
        :raises LookupError: there is no such user; the message has the nearest name.
        """
        from pytest_azcred.web_sign_in import sign_in

        return sign_in(url, self.directory, user, password=password, mfa=mfa, consent=consent)

    def certificate(self, *names: str) -> tuple[Path, Path]:
        """Return the files of a certificate chain and its private key, for a local server.

        The app trusts it for every routed name. Only the current user can read the files. They are deleted with the
        run.

        :param names: the host names in the certificate, such as "myaccount.blob.core.windows.net".
        :return: the paths of the chain and of the key, in PEM format.
        :raises TypeError: no name is given.
        """
        if not names:
            raise TypeError('certificate() takes at least one name, such as "myaccount.blob.core.windows.net"')
        chain, key = self._emulators.certificate_authority.issue(*names)
        folder = self._emulators.folder
        stem = names[0].replace("*", "_")
        return write_private(folder / f"{stem}.crt", chain), write_private(folder / f"{stem}.key", key)
