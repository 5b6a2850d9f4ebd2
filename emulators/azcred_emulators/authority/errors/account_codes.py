"""The AADSTS codes that say something of a user: the account, the sign-in, policies and consent."""

from azcred_emulators.authority.errors.aadsts import Aadsts

_MULTIFACTOR = (
    "Due to a configuration change made by your administrator, or because you moved to a new location, you must {how} "
    "multi-factor authentication to access '{{resource}}'."
)

ACCOUNTS = (
    Aadsts(16000, "interaction_required", 400, "Either multiple user identities are available, or none is selected."),
    Aadsts(
        50020,
        "invalid_grant",
        400,
        "User account '{user}' does not exist in tenant '{tenant}' and cannot access the application '{client}' in "
        "that tenant. The account needs to be added as an external user in the tenant first.",
    ),
    Aadsts(
        50034,
        "invalid_grant",
        400,
        "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account "
        "must be added to the directory.",
    ),
    Aadsts(
        50053,
        "invalid_grant",
        400,
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    ),
    Aadsts(50055, "invalid_grant", 400, "The password is expired.", "user_password_expired"),
    Aadsts(50056, "invalid_grant", 400, "Invalid or null password: password does not exist in store for this user."),
    Aadsts(50057, "invalid_grant", 400, "The user account is disabled."),
    Aadsts(50058, "login_required", 400, "A silent sign-in request was sent but no user is signed in."),
    Aadsts(50072, "interaction_required", 400, _MULTIFACTOR.format(how="enroll in"), "basic_action"),
    Aadsts(50074, "interaction_required", 400, "Strong authentication is required.", "basic_action"),
    Aadsts(50076, "invalid_grant", 400, _MULTIFACTOR.format(how="use"), "basic_action"),
    Aadsts(
        50078,
        "invalid_grant",
        400,
        "Presented multi-factor authentication has expired due to policies configured by your administrator, you must "
        "refresh your multi-factor authentication to access '{resource}'.",
        "basic_action",
    ),
    Aadsts(50079, "invalid_grant", 400, _MULTIFACTOR.format(how="enroll in"), "basic_action"),
    Aadsts(
        50105,
        "invalid_grant",
        400,
        "Your administrator has configured the application {name} ('{client}') to block users unless they are "
        "specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked because "
        "they are not a direct member of a group with access, nor had access directly assigned by an administrator.",
    ),
    Aadsts(50126, "invalid_grant", 400, "Error validating credentials due to invalid username or password."),
    Aadsts(
        50173,
        "invalid_grant",
        400,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password.",
        "bad_token",
    ),
    Aadsts(
        51004,
        "invalid_grant",
        400,
        "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account "
        "must be added to the directory.",
    ),
    Aadsts(53000, "invalid_grant", 400, "Device is not in required device state: compliant.", "message_only"),
    Aadsts(53001, "invalid_grant", 400, "Device is not in required device state: domain_joined.", "message_only"),
    Aadsts(
        53003,
        "invalid_grant",
        400,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        "message_only",
    ),
    Aadsts(
        65001,
        "invalid_grant",
        400,
        "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send "
        "an interactive authorization request for this user and resource.",
        "consent_required",
    ),
    Aadsts(65004, "access_denied", 400, "User declined to consent to access the app."),
    Aadsts(
        70043,
        "invalid_grant",
        400,
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        "bad_token",
    ),
    Aadsts(
        70044,
        "interaction_required",
        400,
        "The session has expired or is invalid due to sign-in frequency checks by conditional access.",
    ),
    Aadsts(
        90094,
        "invalid_grant",
        400,
        "An administrator of {tenant} has set a policy that prevents you from granting {name} the permissions it is "
        "requesting. Contact an administrator, who can grant permissions to this app on your behalf.",
        "consent_required",
    ),
    Aadsts(530035, "invalid_grant", 400, "Access has been blocked by security defaults.", "message_only"),
    Aadsts(
        530084,
        "invalid_grant",
        400,
        "Access has been blocked by a conditional access token protection policy configured by your organization.",
        "protection_policy_required",
    ),
)
