"""A chain asks until one answers."""

from __future__ import annotations

from typing import cast

import azure.identity
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from pytest_azcred.credentials import ChainedTokenCredential, CredentialUnavailableError
from pytest_azcred.credentials.credential import within_chain


class Scripted:
    """A credential that gives a token, or raises what it was made with; and counts."""

    def __init__(self, outcome: str | Exception = "token") -> None:
        self.outcome = outcome
        self.calls = 0

    def _answer(self) -> str:
        self.calls += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        return AccessToken(self._answer(), 100)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        return AccessTokenInfo(self._answer(), 100)

    def close(self) -> None:
        pass

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class First(Scripted):
    """The first link."""


class Second(Scripted):
    """The second link."""


def unavailable(message: str = "not here") -> CredentialUnavailableError:
    return CredentialUnavailableError(message=message)


def test_the_next_credential_is_asked_if_one_is_unavailable() -> None:
    """Being unavailable is no failure."""
    chain = ChainedTokenCredential(First(unavailable()), Second("from-second"))
    assert chain.get_token("scope").token == "from-second"
    assert chain.get_token_info("scope").token == "from-second"


@pytest.mark.parametrize("failure", [ClientAuthenticationError("wrong secret"), RuntimeError("bug")])
def test_a_failure_stops_the_chain(failure: Exception) -> None:
    """Anything but being unavailable must not be papered over by another identity."""
    second = Second()
    with pytest.raises(ClientAuthenticationError, match=str(failure)) as raised:
        ChainedTokenCredential(First(failure), second).get_token("scope")
    assert second.calls == 0
    assert raised.value.__cause__ is failure


def test_every_call_begins_with_the_first_credential() -> None:
    """A chain that the user made has no favourite."""
    first = First(unavailable())
    chain = ChainedTokenCredential(first, Second("from-second"))
    chain.get_token("scope")
    first.outcome = "from-first"
    assert chain.get_token("scope").token == "from-first"


@pytest.mark.parametrize("method", ["get_token", "get_token_info"])
@pytest.mark.parametrize("kind", ["unavailable", "failed", "silent"])
def test_the_message_is_that_of_azure_identity(kind: str, method: str) -> None:
    """Tools look for this text, so it is the same to the letter."""

    def message(chain_type: type, unavailable_type: type[ClientAuthenticationError]) -> str:
        last = {
            "unavailable": unavailable_type("neither here"),
            "failed": ValueError("broken"),
            "silent": ValueError(),
        }[kind]
        chain = chain_type(First(unavailable_type(message="not here")), Second(last), First())
        if kind == "unavailable":
            chain = chain_type(First(unavailable_type(message="not here")), Second(last))
        with pytest.raises(ClientAuthenticationError) as raised:
            getattr(chain, method)("scope")
        return raised.value.message

    assert message(ChainedTokenCredential, CredentialUnavailableError) == message(
        azure.identity.ChainedTokenCredential, azure.identity.CredentialUnavailableError
    )


def test_the_message_lists_who_was_asked() -> None:
    """The format, spelled out."""
    chain = ChainedTokenCredential(First(unavailable("no variables")), Second(unavailable("no answer")))
    with pytest.raises(ClientAuthenticationError) as raised:
        chain.get_token("scope")
    assert raised.value.message.splitlines() == [
        "ChainedTokenCredential failed to retrieve a token from the included credentials.",
        "Attempted credentials:",
        "\tFirst: no variables",
        "\tSecond: no answer",
        "To mitigate this issue, please refer to the troubleshooting guidelines here at "
        "https://aka.ms/azsdk/python/identity/defaultazurecredential/troubleshoot.",
    ]


def test_a_credential_of_azure_identity_can_be_a_link() -> None:
    """Its way to be unavailable counts as well."""
    foreign = First(azure.identity.CredentialUnavailableError(message="not here"))
    assert ChainedTokenCredential(foreign, Second("ours")).get_token("scope").token == "ours"


def test_either_method_will_do() -> None:
    """A link may have only one of the two methods."""

    class Old:
        def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
            return AccessToken("old", 1)

    class New:
        def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
            assert options == {"claims": "{}", "enable_cae": True}
            return AccessTokenInfo("new", 1)

    old = ChainedTokenCredential(Old())
    new = ChainedTokenCredential(New())  # type: ignore[arg-type]  # cannot be closed either
    assert old.get_token_info("scope", options={"claims": "{}"}).token == "old"
    assert new.get_token("scope", claims="{}", enable_cae=True).token == "new"


def test_a_proof_of_possession_is_not_asked_of_a_link_that_cannot_give_one() -> None:
    """The next one may."""

    class Old:
        def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
            return AccessToken("bearer", 1)

    options = cast(TokenRequestOptions, {"pop": {"nonce": "x"}})
    chain = ChainedTokenCredential(Old(), Second("proof"))
    assert chain.get_token_info("scope", options=options).token == "proof"


def test_links_know_that_they_are_in_a_chain() -> None:
    """And no longer once the chain is done, even if it was within another."""

    class Curious(Scripted):
        def _answer(self) -> str:
            return str(within_chain.get())

    inner = ChainedTokenCredential(Curious())
    assert ChainedTokenCredential(inner).get_token("scope").token == "True"
    assert not within_chain.get()


def test_closing_a_chain_closes_every_link() -> None:
    """Also when one of them cannot be closed."""
    closed: list[str] = []

    class Broken(Scripted):
        def close(self) -> None:
            raise OSError("cannot close")

    class Fine(Scripted):
        def close(self) -> None:
            closed.append("fine")

    with pytest.raises(OSError, match="cannot close"), ChainedTokenCredential(Fine(), Broken(), Fine()):
        pass
    assert closed == ["fine", "fine"]


def test_a_chain_needs_credentials_and_scopes() -> None:
    """Neither has a default."""
    with pytest.raises(ValueError, match="at least one credential"):
        ChainedTokenCredential()
    with pytest.raises(ValueError, match="at least one scope"):
        ChainedTokenCredential(First()).get_token()
    with pytest.raises(ValueError, match="at least one scope"):
        ChainedTokenCredential(First()).get_token_info()
