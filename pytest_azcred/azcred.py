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
    """Azure on this machine, for the time of one scope: places for the app, and all that the emulators have.

    The scope is that of a test, or of its class, module or session, or the body of a `with`. "Until the end" below
    is its end.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._emulators = scope.emulators

    @property
    def clock(self) -> Clock:
        """The clock that the app and the emulators go by; the test moves it."""
        return self._scope.clock

    @property
    def directory(self) -> Directory:
        """The emulated tenants and everything in them; the test may change them at any time."""
        return self._emulators.directory

    @property
    def journal(self) -> Journal:
        """Every request that reached an emulator since the start of the scope, those of inner scopes included."""
        return self._scope.journal

    @property
    def authority(self) -> "Authority":
        """The Entra ID token service; `authority.faults` are the faults of its next requests for tokens."""
        return self._emulators.authority

    @property
    def tokens(self) -> "Tokens":
        """Mints tokens like those that the emulators hand out."""
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
        """The browser that `webbrowser` opens from now on: signs a user in on the pages, cancels, or ignores them."""
        return self._scope.browser

    @property
    def place(self) -> Place | None:
        """Where the app is: the place that was entered last, here or in an outer scope; None if there is none."""
        return self._scope.place

    @property
    def hosts(self) -> "Mapping[str, Endpoint]":
        """The hosts of managed identities, by name, such as "imds" and "app-service"."""
        return self._emulators.hosts

    @property
    def pipelines(self) -> "Mapping[str, Pipeline]":
        """The token services of pipelines, "azure-pipelines" and "github-actions", for their jobs."""
        return self._emulators.pipelines

    def faults_of(self, name: str) -> "Faults[Any]":
        """Return the faults of the next requests to an emulator, by its name."""
        return self._emulators.faults_of(name)

    def environment(self, *names: str, variables: Mapping[str, str | None] | None = None) -> Place:
        """Put the app into an environment, such as "virtual-machine", until the end or until the place is left.

        Several compose, in one call or one after the other, and the chain's order decides whose identity the app has:
        `with azcred.environment("kubernetes", "developer-azure-cli") as place: ...`. Those of an outer scope are
        hidden meanwhile. `variables` are set beside those of the environments or in their place, or removed where the
        value is None: `variables={"WEBSITE_HOSTNAME": "shop.contoso.com"}`. Raises LookupError for a name that is not
        in the table, with the nearest one that is.
        """
        if not names:
            raise TypeError('environment() takes at least one name, such as "virtual-machine"')
        return self._scope.enter([find(name) for name in names], variables or {})

    def install(self, *names: str) -> None:
        """Put fake executables such as "az" first on PATH until the test ends.

        Raises LookupError for a name that no fake has.
        """
        self._scope.install(*names)

    def uninstall(self, *names: str) -> None:
        """Take fake executables off PATH again. Raises LookupError for a name that no fake has."""
        self.executables.uninstall(*names)

    def route(self, host: str, to: str) -> None:
        """Let a local server answer for a real host name until the test ends.

        `to` is the local server's URL. Its scheme says what the server speaks: "http://127.0.0.1:8080" is HTTP
        without TLS, and the server answers for http (port 80) and for https (port 443), where the emulators present a
        certificate in its place. "https://127.0.0.1:10000" is a server with a certificate from `certificate(host)`.
        "tcp://127.0.0.1:5432" is anything else, such as a database; its bytes are passed on as they are.

        `host` is a name such as "orders.contoso.com", with a port if that is not the usual one: a server of an http
        URL answers for http and https at this port, and one of a tcp URL has no usual one. Raises ValueError if
        either is not of that form.
        """
        addresses = own_route(host, to).addresses(self._scope.process.relay)
        self._scope.add_routes(Route(name, port, address) for (name, port), address in addresses.items())

    def federate(self, domain: str) -> None:
        """Let the users of a domain, such as "fabrikam.com", sign in at an AD FS of its own until the test ends.

        It answers at "sts." and the domain, checks the directory's passwords, and is also a token service that clients
        address as the tenant "adfs". A domain that no tenant has becomes Contoso's.
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
        """Put a protected resource at a real https URL, such as "https://myvault.vault.azure.net".

        It checks tokens as the real service does, challenges clients without one, and answers what the test sets
        with its `answer()`. `audience` is what tokens must be for, one name or several; by default those of the Azure
        service at such names, else the URL. For several services there is a stand-in that answers by itself, with
        what the test puts into it by `fill()`; a class of your own may be given as `stand_in`. `tenant` is the one that
        the challenges name. Raises ValueError if the URL is not an https one, or the tenant not the directory's.
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
        """Sign a user in from the URL to which a web app sends them, and return what they bring back to the app.

        `url` is that of the app's redirect to `/authorize`. The user is the directory's unless a user, principal name
        or object id is given, the password the directory's, too. Without `mfa` they deny the second factor, without
        `consent` what the app asks for, and the app is told so. Raises SignInError for an error page, ValueError for
        another URL, and LookupError for an unknown user, with the nearest one.
        """
        from pytest_azcred.web_sign_in import sign_in

        return sign_in(url, self.directory, user, password=password, mfa=mfa, consent=consent)

    def certificate(self, *names: str) -> tuple[Path, Path]:
        """Return the files of a certificate chain and its private key for a local server under these names.

        The app trusts it for every routed name. Only this user can read the files; they go with the run.
        """
        if not names:
            raise TypeError('certificate() takes at least one name, such as "myaccount.blob.core.windows.net"')
        chain, key = self._emulators.certificate_authority.issue(*names)
        folder = self._emulators.folder
        stem = names[0].replace("*", "_")
        return write_private(folder / f"{stem}.crt", chain), write_private(folder / f"{stem}.key", key)
