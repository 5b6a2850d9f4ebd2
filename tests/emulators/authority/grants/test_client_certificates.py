"""Client certificates: every way to sign, chains that an authority vouches for, validity, replay."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from support.entra import claims_of, refusal
from werkzeug.test import TestResponse

from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import Application, TrustedSubject, contoso, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens.keys import SigningKey, thumbprint

Ask = Callable[..., TestResponse]
ENDPOINT = f"https://login.microsoftonline.com/{contoso.TENANT.id}/oauth2/v2.0/token"


def present(
    ask_token: Ask,
    emulators: Emulators,
    key: SigningKey,
    header: dict[str, Any],
    *,
    algorithm: str = "RS256",
    **changes: Any,
) -> TestResponse:
    """Ask for a token with an assertion that the key signs."""
    now = int(emulators.clock.now())
    client_id = identifiers.SERVICE_PRINCIPAL_CLIENT_ID
    claims = {"aud": ENDPOINT, "iss": client_id, "sub": client_id, "jti": "1", "iat": now, "exp": now + 600, **changes}
    return ask_token(
        client_secret=None,
        client_assertion=key.sign(claims, header=header, algorithm=algorithm),
        client_assertion_type=client_assertions.TYPE,
    )


@pytest.mark.parametrize(
    ("algorithm", "header"),
    [
        ("RS256", lambda key: {"x5t": key.id}),
        ("PS256", lambda key: {"x5t#S256": thumbprint(key.certificate, "sha256")}),
        ("PS256", lambda key: {"x5t": key.id}),
        ("RS256", lambda key: {"x5t": f"{key.id}="}),  # msal leaves the padding
    ],
)
def test_both_algorithms_and_both_thumbprints(
    ask_token: Ask,
    emulators: Emulators,
    application: Application,
    algorithm: str,
    header: Callable[..., dict[str, str]],
) -> None:
    """Old clients send SHA-1 and RS256, new ones SHA-256 and PS256."""
    key = SigningKey("orders")
    emulators.directory.replace(application, certificates=(key.certificate,))
    assert claims_of(present(ask_token, emulators, key, header(key), algorithm=algorithm))["appidacr"] == "2"


def test_the_other_base64(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """The SDK for Go writes thumbprints in the alphabet that is not meant for URLs."""
    keys = (SigningKey("orders") for _ in range(100))
    key = next(one for one in keys if {"-", "_"} & set(thumbprint(one.certificate, "sha256")))
    emulators.directory.replace(application, certificates=(key.certificate,))
    header = {"x5t#S256": thumbprint(key.certificate, "sha256").replace("-", "+").replace("_", "/") + "="}
    assert claims_of(present(ask_token, emulators, key, header, algorithm="PS256"))["appidacr"] == "2"


def test_another_algorithm_is_refused(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """Entra ID takes two."""
    key = SigningKey("orders")
    emulators.directory.replace(application, certificates=(key.certificate,))
    refused = present(ask_token, emulators, key, {"x5t": key.id}, algorithm="RS512")
    assert refusal(refused) == (401, "invalid_client", 700027)


def test_a_certificate_has_its_time(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """Expired by the emulators' clock."""
    key = SigningKey("orders")
    emulators.directory.replace(application, certificates=(key.certificate,))
    emulators.clock.advance(days=365 * 80)
    assert refusal(present(ask_token, emulators, key, {"x5t": key.id})) == (401, "invalid_client", 700027)


class TestChains:
    """Subject name and issuer: any certificate of that name by that authority will do, so none need be registered."""

    root = SigningKey("Contoso Root")
    between = SigningKey("Contoso Issuing", issued_by=root)
    leaf = SigningKey("orders.contoso.com", issued_by=between)
    direct = SigningKey("orders.contoso.com", issued_by=root)
    other_name = SigningKey("other.contoso.com", issued_by=root)
    impostor = SigningKey("orders.contoso.com", issued_by=SigningKey("Contoso Root"))

    @pytest.fixture(autouse=True)
    def trust(self, emulators: Emulators, application: Application) -> None:
        """The application trusts a name by the root."""
        trusted = TrustedSubject("orders.contoso.com", self.root.certificate)
        emulators.directory.replace(application, trusted_subjects=(trusted,))

    @pytest.mark.parametrize(("key", "length"), [("leaf", 3), ("leaf", 2), ("direct", 2), ("direct", 1)])
    def test_a_chain_to_the_authority_is_trusted(
        self, ask_token: Ask, emulators: Emulators, key: str, length: int
    ) -> None:
        """With or without the root itself, which the directory knows."""
        signing: SigningKey = getattr(self, key)
        header = {"x5t": signing.id, "x5c": signing.x5c()[:length]}
        assert claims_of(present(ask_token, emulators, signing, header))["appidacr"] == "2"

    @pytest.mark.parametrize(
        ("key", "x5c"),
        [
            ("leaf", lambda one: one.leaf.x5c()[:1]),  # the one between is missing
            ("leaf", lambda one: None),
            ("leaf", lambda one: ["nonsense"]),
            ("leaf", lambda one: "nonsense"),
            ("leaf", lambda one: []),
            ("leaf", lambda one: one.direct.x5c()),  # somebody else's chain
            ("impostor", lambda one: one.impostor.x5c()),
            ("impostor", lambda one: [one.impostor.x5c()[0], one.root.x5c()[0]]),
        ],
    )
    def test_any_other_chain_is_not(
        self, ask_token: Ask, emulators: Emulators, key: str, x5c: Callable[..., object]
    ) -> None:
        """Incomplete, unreadable, or of an authority that only bears the name."""
        signing: SigningKey = getattr(self, key)
        refused = present(ask_token, emulators, signing, {"x5t": signing.id, "x5c": x5c(type(self))})
        assert refusal(refused) == (401, "invalid_client", 700027)

    def test_another_name_by_the_authority(self, ask_token: Ask, emulators: Emulators) -> None:
        """The certificate is sound, and not the application's."""
        header = {"x5t": self.other_name.id, "x5c": self.other_name.x5c()}
        refused = present(ask_token, emulators, self.other_name, header)
        assert refusal(refused) == (401, "invalid_client", 700030)
        assert "other.contoso.com" in refused.text


def test_an_assertion_may_be_for_one_use_only(ask_token: Ask, emulators: Emulators, application: Application) -> None:
    """Not by default: msal 1.39 sends one assertion for nine minutes (`AutoRefresher`), and Entra ID lets it."""
    key = SigningKey("orders")
    application = emulators.directory.replace(application, certificates=(key.certificate,))
    header = {"x5t": key.id}
    assert [present(ask_token, emulators, key, header).status_code for _ in range(2)] == [200, 200]
    emulators.directory.replace(application, single_use_assertions=True)
    assert present(ask_token, emulators, key, header).status_code == 200
    assert refusal(present(ask_token, emulators, key, header)) == (401, "invalid_client", 700027)
    assert present(ask_token, emulators, key, header, jti="2").status_code == 200


def test_files_of_a_service_principal_hold_key_and_chain() -> None:
    """PEM and PKCS #12, with and without a password."""
    from cryptography.hazmat.primitives.serialization import pkcs12

    key = SigningKey("leaf", issued_by=SigningKey("root"))
    for password in (None, "pw"):
        secret = password.encode() if password else None
        pem = key.pem(password=password)
        assert serialization.load_pem_private_key(pem, secret)
        assert x509.load_pem_x509_certificates(pem) == list(key.chain)
        private, certificate, others = pkcs12.load_key_and_certificates(key.pfx(password=password), secret)
        assert private is not None
        assert certificate is not None
        assert certificate.fingerprint(hashes.SHA256()) == key.certificate.fingerprint(hashes.SHA256())
        assert others == [key.chain[1]]
