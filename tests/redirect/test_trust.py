"""TLS to routed names is judged by the run's certificate authority, everything else by the app's own context."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import requests
from support.http_clients import Fetch, causes
from support.servers import presenting, served

from azcred_emulators.serving.tls import CertificateAuthority
from pytest_azcred.azcred import Azcred

HOST = "myservice.example.com"
OLD_CONTEXT = ssl.create_default_context()


def foreign(folder: Path, *names: str) -> tuple[Path, Path, str]:
    """Return files of chain and key by an authority that nobody trusts, and its own certificate."""
    authority = CertificateAuthority()
    files = folder / "chain.pem", folder / "key.pem"
    for file, content in zip(files, authority.issue(*names), strict=True):
        file.write_bytes(content)
    return *files, authority.pem


def is_untrusted(error: Exception) -> bool:
    """Whether a client's error is about a certificate that it does not trust."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error))


def test_an_unknown_authority_is_rejected(azcred: Azcred, client: Fetch, tmp_path: Path) -> None:
    """A server for a routed name still has to prove itself."""
    chain, key, _ = foreign(tmp_path, HOST)
    with served(presenting((chain, key))) as url:
        azcred.route(HOST, to=url)
        with pytest.raises(Exception, check=is_untrusted):  # noqa: B017 -- `check` says which
            client(f"https://{HOST}/")


def test_a_certificate_for_another_name_is_rejected(azcred: Azcred, client: Fetch) -> None:
    """A certificate of the run counts for its names only."""
    with served(presenting(azcred.certificate("other.example.com"))) as url:
        azcred.route(HOST, to=url)
        with pytest.raises(Exception, check=is_untrusted):  # noqa: B017 -- `check` says which
            client(f"https://{HOST}/")


def test_the_run_does_not_vouch_for_local_servers(azcred: Azcred) -> None:
    """A server that the app reaches without a route is judged by the app's own context."""
    with served(presenting(azcred.certificate("localhost"))) as url, pytest.raises(requests.exceptions.SSLError):
        requests.get(url.replace("127.0.0.1", "localhost"))


def test_an_authority_of_the_app(azcred: Azcred, tmp_path: Path) -> None:
    """A local server whose authority the app trusts is accepted."""
    chain, key, authority = foreign(tmp_path, "localhost")
    bundle = tmp_path / "authority.pem"
    bundle.write_text(authority)
    with served(presenting((chain, key))) as url:
        assert requests.get(url.replace("127.0.0.1", "localhost"), verify=str(bundle)).status_code == 200


def test_a_context_that_verifies_nothing_stays_so(azcred: Azcred, tmp_path: Path) -> None:
    """An app that does not want to verify reaches any server."""
    chain, key, _ = foreign(tmp_path, "whatever.example.com")
    with served(presenting((chain, key))) as url:
        azcred.route(HOST, to=url)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with (
            socket.create_connection((HOST, 443)) as connection,
            context.wrap_socket(connection, server_hostname=HOST) as tls,
        ):
            assert tls.context is context
            assert tls.getpeercert() == {}
        assert context.verify_mode is ssl.CERT_NONE


def test_the_app_keeps_its_context(azcred: Azcred) -> None:
    """Protocol versions and ALPN are negotiated as the app's context says, and no authority is added to it."""
    server = presenting(azcred.certificate(HOST))
    server.set_alpn_protocols(["http/1.1", "spdy/3"])
    context = ssl.create_default_context()
    context.set_alpn_protocols(["spdy/3"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    before = context.cert_store_stats()
    with served(server) as url:
        azcred.route(HOST, to=url)
        with (
            socket.create_connection((HOST, 443)) as connection,
            context.wrap_socket(connection, server_hostname=HOST) as tls,
        ):
            assert tls.version() == "TLSv1.2"
            assert tls.selected_alpn_protocol() == "spdy/3"
            assert tls.context is context
    assert context.cert_store_stats() == before


@pytest.mark.parametrize("name", [HOST, HOST.encode(), HOST.upper()], ids=["text", "bytes", "capitals"])
def test_forms_of_the_server_name(azcred: Azcred, name: str | bytes) -> None:
    """Clients give the server's name as text or as bytes."""
    with served(presenting(azcred.certificate(HOST))) as url:
        azcred.route(HOST, to=url)
        with (
            socket.create_connection((HOST, 443)) as connection,
            OLD_CONTEXT.wrap_socket(connection, server_hostname=name) as tls,
        ):
            assert tls.getpeercert()


def test_sessions_are_resumed(azcred: Azcred) -> None:
    """A client that resumes TLS sessions can do so."""
    server = presenting(azcred.certificate(HOST))
    server.maximum_version = ssl.TLSVersion.TLSv1_2  # whose sessions exist as soon as the handshake is over
    session = None
    with served(server) as url:
        azcred.route(HOST, to=url)
        for reused in (False, True):
            with (
                socket.create_connection((HOST, 443)) as connection,
                OLD_CONTEXT.wrap_socket(connection, server_hostname=HOST, session=session) as tls,
            ):
                assert tls.session_reused is reused
                session = tls.session


def test_upgrade_of_a_plain_connection(azcred: Azcred) -> None:
    """`loop.start_tls` trusts the run's authority as well, as protocols with STARTTLS need."""

    async def main() -> str:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(asyncio.Protocol, HOST, 443)
        upgraded = await loop.start_tls(transport, protocol, OLD_CONTEXT, server_hostname=HOST)
        assert upgraded is not None
        try:
            return str(upgraded.get_extra_info("ssl_object").version())
        finally:
            upgraded.abort()

    with served(presenting(azcred.certificate(HOST))) as url:
        azcred.route(HOST, to=url)
        assert asyncio.run(main()) == "TLSv1.3"


def test_servers_of_the_app_are_left_alone(azcred: Azcred) -> None:
    """A TLS server in the test's own process keeps its context, whatever name it is asked for."""
    server = presenting(azcred.certificate(HOST))
    tls = server.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert tls.context is server


def test_truststore_in_the_place_of_python_s_contexts(pytester: pytest.Pytester) -> None:
    """An app that takes its trust from the operating system reaches the emulators all the same."""
    pytest.importorskip("truststore", reason="truststore is not installed")
    pytester.makepyfile(
        """
        import truststore

        truststore.inject_into_ssl()

        import requests
        from azure.identity import DefaultAzureCredential

        def test_token(fake_service_principal):
            DefaultAzureCredential().get_token("https://vault.azure.net/.default")
            url = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
            assert requests.get(url).status_code == 200
            assert fake_service_principal.statuses == [200]
        """
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)
