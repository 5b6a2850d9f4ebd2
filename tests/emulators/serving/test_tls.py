"""The run's certificate authority: certificates that the strictest client accepts, keys that nobody else reads."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from azcred_emulators.serving.tls import CertificateAuthority, write_private


def handshake(client_context: ssl.SSLContext, server_context: ssl.SSLContext, name: str) -> None:
    """Let the two contexts agree on a connection in memory; raises ssl.SSLError if they do not."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    while not all([advance(client), advance(server)]):
        assert to_server.pending or to_client.pending, "the handshake is stuck"


def advance(side: ssl.SSLObject) -> bool:
    """Take one side's handshake as far as it goes; tell whether it is done."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.mark.parametrize("name", ["login.microsoftonline.com", "localhost", "127.0.0.1", "a" * 60 + ".example.com"])
def test_certificates_pass_strict_verification(name: str) -> None:
    """OpenSSL's strict mode, the default from Python 3.13 on, finds nothing missing."""
    authority = CertificateAuthority()
    client = ssl.create_default_context(cadata=authority.pem)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    handshake(client, authority.server_context(), name)


def test_another_runs_authority_is_not_trusted() -> None:
    """Each run has an authority of its own."""
    client = ssl.create_default_context(cadata=CertificateAuthority().pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client, CertificateAuthority().server_context(), "localhost")


def test_a_certificate_is_good_for_its_names_only(tmp_path: Path) -> None:
    """A server with a certificate for one name cannot pass for another."""
    authority = CertificateAuthority()
    chain, key = authority.issue("myaccount.blob.core.windows.net", "*.example.com")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(write_private(tmp_path / "server.pem", chain + key))
    client = ssl.create_default_context(cadata=authority.pem)
    handshake(client, server, "myaccount.blob.core.windows.net")
    handshake(client, server, "www.example.com")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(client, server, "other.blob.core.windows.net")


def test_certificates_outlast_any_clock_a_test_sets() -> None:
    """They are dated neither from the virtual clock nor from the real one."""
    certificate = x509.load_pem_x509_certificate(CertificateAuthority().pem.encode())
    assert certificate.not_valid_before_utc.year == 2000
    assert certificate.not_valid_after_utc.year == 2099


def test_a_private_file_is_the_users_own(tmp_path: Path) -> None:
    """Its mode is 0600 from the first moment on."""
    path = write_private(tmp_path / "key.pem", b"secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_private_file_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    """A link is not followed, and a reader sees the old content or the new; nothing else is in the folder."""
    others = tmp_path / "others"
    others.write_bytes(b"others")
    (tmp_path / "key.pem").symlink_to(others)
    path = write_private(tmp_path / "key.pem", b"secret")
    assert (path.read_bytes(), others.read_bytes()) == (b"secret", b"others")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["key.pem", "others"]


def test_a_private_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the file that was asked for."""
    with pytest.raises(FileNotFoundError) as caught:
        write_private(tmp_path / "nowhere" / "key.pem", b"secret")
    assert caught.value.filename == str(tmp_path / "nowhere" / "key.pem")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(tmp_path / "folder", b"secret")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]
