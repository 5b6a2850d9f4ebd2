"""A chain asks until one answers."""

from __future__ import annotations

import gc
import weakref
from typing import Any, cast

import azure.identity
import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from pytest_azcred.credentials import ChainedTokenCredential, CredentialUnavailableError
from pytest_azcred.credentials.credential import CachingCredential
from pytest_azcred.credentials.request import TokenRequest


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


def test_what_was_unavailable_is_forgotten() -> None:
    """With the frames that its error went through, and without waiting for the garbage collector."""

    errors: list[weakref.ref[Watched]] = []

    class Watched(CredentialUnavailableError):
        def __init__(self) -> None:
            super().__init__(message="not here")
            errors.append(weakref.ref(self))

    class Absent(Scripted):
        def _answer(self) -> str:
            raise Watched

    gc.disable()
    try:
        assert ChainedTokenCredential(Absent(), Second()).get_token("scope").token == "token"
        assert [error() for error in errors] == [None]
    finally:
        gc.enable()


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


class Curious(CachingCredential):
    """One of ours, whose token says who asks for it."""

    def _fetch(self, request: TokenRequest) -> AccessTokenInfo:
        return AccessTokenInfo(request.asked_by.value, 2**40)


class Wrapper:
    """A credential of somebody else that asks one of ours."""

    def __init__(self, wrapped: CachingCredential) -> None:
        self.wrapped = wrapped

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        return self.wrapped.get_token(*scopes, **kwargs)


class Careful(Curious):
    """One of ours with a method of the app's own, which asks ours."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        token = super().get_token(*scopes, **kwargs)
        return AccessToken(f"careful {token.token}", token.expires_on)


def test_credentials_know_that_they_are_in_a_chain() -> None:
    """Also behind one that is not ours, and in a chain within a chain; and no longer once the chain is done."""
    alone = Curious()
    assert alone.get_token("scope").token == "app"
    assert ChainedTokenCredential(Curious()).get_token("scope").token == "chain"
    assert ChainedTokenCredential(ChainedTokenCredential(Curious())).get_token_info("scope").token == "chain"
    wrapped = Curious()
    assert ChainedTokenCredential(Wrapper(wrapped)).get_token("scope").token == "chain"
    assert wrapped.get_token("another").token == "app"


def test_a_method_of_the_apps_own_is_called() -> None:
    """Of a subclass, of a test's double, and each time anew; the other method remains ours."""
    chain = ChainedTokenCredential(Careful())
    assert [chain.get_token("scope").token for _ in range(2)] == ["careful chain"] * 2
    assert chain.get_token_info("scope").token == "chain"
    assert chain.get_token("scope").token == "careful chain"


def test_a_double_of_a_method_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it stands in the place of a class's method or of one credential's."""
    ours, others = Curious(), Curious()
    monkeypatch.setattr(ours, "get_token", lambda *scopes, **options: AccessToken(f"double {options}", 1))
    options = {"claims": None, "tenant_id": None, "enable_cae": True, "extra": 1}
    assert ChainedTokenCredential(ours).get_token("scope", enable_cae=True, extra=1).token == f"double {options}"
    monkeypatch.setattr(Curious, "get_token_info", lambda *_, options: AccessTokenInfo(f"double {options}", 1))
    assert ChainedTokenCredential(others).get_token_info("scope").token == "double {}"


def test_what_the_first_credential_has_is_returned_at_once() -> None:
    """What another one has is not: the first may have become available."""
    first = Scripted(unavailable())
    foreign_first = ChainedTokenCredential(first, Curious())
    assert [foreign_first.get_token("scope").token for _ in range(2)] == ["chain"] * 2
    assert first.calls == 2
    last = Scripted()
    ours_first = ChainedTokenCredential(Curious(), last)
    assert {ours_first.get_token("scope").token for _ in range(3)} == {"chain"}
    assert last.calls == 0


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
