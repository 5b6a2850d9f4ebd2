"""Every code of the catalogue that is about a user, from the state of the directory that causes it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.entra import GRAPH, Entra, code_of
from support.pages import sign_in, start, submit

from azcred_emulators.authority.errors.aadsts import SCRIPTED_ONLY
from azcred_emulators.authority.errors.account_codes import ACCOUNTS
from azcred_emulators.directory import ConditionalAccessPolicy, Mfa, Tenant, contoso

Cause = Callable[[Entra], Any]
CAUSES: dict[int, Cause] = {}


def causes(code: int) -> Callable[[Cause], Cause]:
    """Take down what causes a code: a function that sets the state and returns the refusal."""

    def take_down(cause: Cause) -> Cause:
        CAUSES[code] = cause
        return cause

    return take_down


def the_account_is(**state: Any) -> Cause:
    """Return the cause that is a state of the account, which shows at a sign-in with its password."""
    return lambda entra: entra.password(entra.add_user(**state), password="pw")


def a_policy_says(**demands: Any) -> Cause:
    """Return the cause that is a Conditional Access policy of the tenant."""

    def cause(entra: Entra) -> Any:
        entra.emulators.directory.add(ConditionalAccessPolicy(name="p", tenant_id=contoso.TENANT.id, **demands))
        return entra.password(entra.user)

    return cause


CAUSES |= {
    50053: the_account_is(locked=True),
    50055: the_account_is(password_expired=True),
    50056: the_account_is(password=""),
    50057: the_account_is(enabled=False),
    50076: the_account_is(mfa=Mfa.ENFORCED),
    50079: the_account_is(mfa=Mfa.ENABLED),
    53000: a_policy_says(built_in_controls=("compliantDevice",)),
    53001: a_policy_says(built_in_controls=("domainJoinedDevice",)),
    53003: a_policy_says(built_in_controls=("block",)),
    530084: a_policy_says(token_protection=True),
}


@causes(16000)
def two_accounts_are_signed_in(entra: Entra) -> Any:
    """And the app wants no page that could ask which."""
    shop, ada = entra.add_web_app(), entra.add_user()
    submit(entra, sign_in(entra, start(entra, shop)), answer="no")
    sign_in(entra, start(entra, shop, prompt="select_account"), ada)
    return start(entra, shop, prompt="none")


@causes(50020)
def the_account_is_of_another_tenant(entra: Entra) -> Any:
    """Where it is no guest."""
    fabrikam = entra.emulators.directory.add(Tenant("88888888-8888-4888-8888-888888888888", ("fabrikam.com",)))
    stranger = entra.add_user(tenant_id=fabrikam.id, principal_name="ada@fabrikam.com")
    return entra.password(stranger)


@causes(50034)
def the_directory_has_no_such_account(entra: Entra) -> Any:
    """In a domain that it has."""
    return entra.password(entra.user, username="nobody@contoso.com")


@causes(50058)
def nobody_is_signed_in(entra: Entra) -> Any:
    """And the app wants no page."""
    return start(entra, entra.add_web_app(), prompt="none")


@causes(50072)
def no_second_factor_is_registered(entra: Entra) -> Any:
    """At the sign-in itself, where it could be."""
    return entra.authorize(entra.add_web_app(), entra.add_user(mfa=Mfa.ENABLED))


@causes(50074)
def the_second_factor_is_denied(entra: Entra) -> Any:
    """On the page that asks for it."""
    page = sign_in(entra, start(entra, entra.add_web_app()), entra.add_user(mfa=Mfa.ENFORCED))
    return submit(entra, page, answer="cancel")


@causes(50078)
def the_second_factor_was_too_long_ago(entra: Entra) -> Any:
    """For the tenant's setting."""
    entra.emulators.directory.replace(contoso.TENANT, remember_mfa=timedelta(days=1))
    shop, ada = entra.add_web_app(), entra.add_user(mfa=Mfa.ENFORCED)
    token = entra.sign_in(shop, ada, mfa=True)["refresh_token"]
    entra.emulators.clock.advance(days=1)
    return entra.refresh(shop, token)


@causes(50105)
def the_user_is_not_assigned_to_the_application(entra: Entra) -> Any:
    """Which wants that of its users."""
    return entra.authorize(entra.add_web_app(app_role_assignment_required=True))


@causes(50126)
def the_password_is_wrong(entra: Entra) -> Any:
    """As simple as that."""
    return entra.password(entra.user, password="wrong")


@causes(50173)
def the_users_sessions_were_revoked(entra: Entra) -> Any:
    """After the refresh token was issued."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    entra.emulators.directory.replace(entra.user, tokens_valid_from=entra.emulators.clock.now() + 1)
    return entra.refresh(shop, token)


@causes(51004)
def the_federated_account_is_not_in_the_directory(entra: Entra) -> Any:
    """Although the domain's AD FS vouches for it."""
    return entra.redeem_assertion(upn="grace@fabrikam.com")


@causes(530035)
def the_tenant_has_security_defaults(entra: Entra) -> Any:
    """And the user came by password alone."""
    entra.emulators.directory.replace(contoso.TENANT, security_defaults=True)
    return entra.password(entra.user)


@causes(65001)
def nobody_has_consented(entra: Entra) -> Any:
    """To what the app asks for."""
    return entra.authorize(entra.add_web_app(permission_grants=()))


@causes(65004)
def the_user_declines(entra: Entra) -> Any:
    """On the page that asks for consent."""
    page = submit(entra, sign_in(entra, start(entra, entra.add_web_app(permission_grants=()))), answer="no")
    return submit(entra, page, answer="cancel")


@causes(70043)
def the_sign_in_was_too_long_ago(entra: Entra) -> Any:
    """For a policy with a sign-in frequency."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    a_policy_says(sign_in_frequency=timedelta(hours=1))(entra)
    entra.emulators.clock.advance(hours=1)
    return entra.refresh(shop, token)


@causes(70044)
def the_browsers_session_is_too_old(entra: Entra) -> Any:
    """For the same policy, when the app wants no page."""
    shop = entra.add_web_app()
    submit(entra, sign_in(entra, start(entra, shop)), answer="no")
    a_policy_says(sign_in_frequency=timedelta(hours=1))(entra)
    entra.emulators.clock.advance(hours=1)
    return start(entra, shop, prompt="none")


@causes(90094)
def only_an_administrator_can_consent(entra: Entra) -> Any:
    """To what the app asks for."""
    entra.add_api(admin_consent_scopes=("Orders.Write",))
    return entra.authorize(entra.add_web_app(permission_grants=()), scope="api://orders/Orders.Write")


CODES = [entry.code for entry in ACCOUNTS if entry.code not in SCRIPTED_ONLY]


@pytest.mark.parametrize("code", CODES)
def test_a_state_causes_the_code(entra: Entra, code: int) -> None:
    """The code and no other."""
    assert code_of(CAUSES[code](entra)) == code


def test_each_code_has_one_cause_here() -> None:
    """None of the causes is for a code that the catalogue does not have, or has for scripts only."""
    assert sorted(CAUSES) == sorted(CODES)


def test_a_second_factor_once_given_lasts_as_long_as_the_tenant_says(entra: Entra) -> None:
    """The page asks again then, and counts from the new one."""
    entra.emulators.directory.replace(contoso.TENANT, remember_mfa=timedelta(hours=20))
    shop, ada = entra.add_web_app(), entra.add_user(mfa=Mfa.ENABLED)
    page = sign_in(entra, start(entra, shop), ada)
    submit(entra, submit(entra, page, answer="approve"), answer="yes")
    for hours, asks in [(19, False), (1, True), (19, False)]:
        entra.emulators.clock.advance(hours=hours)
        page = start(entra, shop, scope=f"{GRAPH}/User.Read")
        assert ("Approve sign-in request" in page.text) is asks
        if asks:
            submit(entra, submit(entra, page, answer="approve"), answer="no")
    assert entra.emulators.directory.user(ada.object_id).mfa is Mfa.ENFORCED  # type: ignore[union-attr]
