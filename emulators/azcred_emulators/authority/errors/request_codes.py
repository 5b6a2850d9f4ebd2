"""The AADSTS codes that say something of a request: the tenant, the client, the resource, the grant."""

from azcred_emulators.authority.errors.aadsts import Aadsts

_NO_FEDERATION = (
    "No matching federated identity record found for presented assertion {what} '{{{what}}}'. Check your federated "
    "identity credential Subject, Audience and Issuer against the presented assertion."
)
_NOT_FOUND_HERE = (
    "This can happen if the application has not been installed by the administrator of the tenant or consented to by "
    "any user in the tenant. You {might} have sent your authentication request to the wrong tenant."
)

REQUESTS = (
    Aadsts(50000, "server_error", 500, "There was an error issuing a token or an issue with the sign-in service."),
    Aadsts(50001, "invalid_resource", 400, "The resource named {resource} is disabled in the tenant {tenant}."),
    Aadsts(50006, "invalid_grant", 400, "Signature verification failed because of an invalid signature."),
    Aadsts(50008, "invalid_grant", 400, "SAML token is invalid. {reason}"),
    Aadsts(
        50011,
        "invalid_request",
        400,
        "The redirect URI '{address}' specified in the request does not match the redirect URIs configured for the "
        "application '{client}'. Make sure the redirect URI sent in the request matches one added to your application.",
    ),
    Aadsts(50012, "invalid_client", 401, "Authentication failed."),
    Aadsts(50013, "invalid_grant", 400, "Assertion failed validation. {reason}"),
    Aadsts(50027, "invalid_request", 400, "JWT token is invalid or malformed."),
    Aadsts(50049, "invalid_instance", 400, "Unknown or invalid instance."),
    Aadsts(
        50059,
        "invalid_request",
        400,
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    Aadsts(50107, "invalid_grant", 400, "Requested federation realm object '{issuer}' does not exist."),
    Aadsts(
        50128,
        "invalid_request",
        400,
        "Invalid domain name - No tenant-identifying information found in either the request or implied by any "
        "provided credentials.",
    ),
    Aadsts(
        50194,
        "invalid_request",
        400,
        "Application '{client}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint "
        "is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the "
        "application to be multi-tenant.",
    ),
    Aadsts(
        50196,
        "invalid_grant",
        400,
        "The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
    ),
    Aadsts(54005, "invalid_grant", 400, "OAuth2 Authorization code was already redeemed, please retry with a new one."),
    Aadsts(70000, "invalid_grant", 400, "Provided grant is invalid or malformed. {reason}"),
    Aadsts(70001, "unauthorized_client", 400, "The application named {client} is disabled or was not found."),
    Aadsts(70002, "invalid_client", 401, "Error validating credentials."),
    Aadsts(70003, "unsupported_grant_type", 400, "The app requested an unsupported grant type '{grant}'."),
    Aadsts(70005, "unsupported_response_type", 400, "{reason}"),
    Aadsts(
        70007, "invalid_request", 400, "'query' is not a supported value of 'response_mode' when requesting a token."
    ),
    Aadsts(
        70008,
        "invalid_grant",
        400,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
        "authorization request for this user and resource.",
    ),
    Aadsts(
        70011,
        "invalid_scope",
        400,
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
    ),
    Aadsts(
        70016,
        "authorization_pending",
        400,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    Aadsts(70018, "bad_verification_code", 400, "Invalid verification code."),
    Aadsts(70019, "expired_token", 400, "Verification code expired."),
    Aadsts(70021, "invalid_client", 401, "No matching federated identity record found for presented assertion."),
    Aadsts(
        90002,
        "invalid_request",
        400,
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    ),
    Aadsts(
        90014,
        "invalid_request",
        400,
        "The required field '{parameter}' is missing from the credential. Ensure that you have all the necessary "
        "parameters for the login request.",
    ),
    Aadsts(90019, "invalid_request", 400, "No tenant-identifying information found in the request."),
    Aadsts(90023, "invalid_request", 400, "{reason}"),
    Aadsts(90025, "server_error", 500, "Request processing has exceeded gateway allowance."),
    Aadsts(90033, "temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
    Aadsts(90055, "temporarily_unavailable", 429, "The server is busy: too many requests for this tenant."),
    Aadsts(
        500011,
        "invalid_resource",
        400,
        "The resource principal named {resource} was not found in the tenant named {tenant}. "
        + _NOT_FOUND_HERE.format(might="might"),
    ),
    Aadsts(
        500112,
        "invalid_client",
        401,
        "The reply address '{address}' does not match the reply address provided when requesting Authorization code.",
    ),
    Aadsts(500133, "invalid_grant", 400, "Assertion is not within its valid time range. {reason}"),
    Aadsts(
        501481,
        "invalid_grant",
        400,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    Aadsts(501661, "invalid_request", 400, "Request to External OIDC endpoint failed."),
    Aadsts(
        650053,
        "invalid_client",
        400,
        "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact "
        "the app vendor.",
    ),
    Aadsts(
        650057,
        "invalid_resource",
        400,
        "Invalid resource. The client has requested access to a resource which is not listed in the requested "
        "permissions in the client's application registration. Client app ID: {client}({name}). Resource value from "
        "request: {resource}.",
    ),
    Aadsts(
        700005,
        "invalid_grant",
        400,
        "Provided Authorization Code is intended to use against other tenant, thus rejected.",
    ),
    Aadsts(
        700016,
        "unauthorized_client",
        400,
        "Application with identifier '{client}' was not found in the directory '{tenant}'. "
        + _NOT_FOUND_HERE.format(might="may"),
    ),
    Aadsts(
        700021, "invalid_request", 400, "Client assertion application identifier doesn't match 'client_id' parameter."
    ),
    Aadsts(
        700022,
        "invalid_request",
        400,
        "The provided value for the input parameter scope is not valid because it contains more than one resource.",
    ),
    Aadsts(700023, "invalid_client", 401, "Client assertion audience claim does not match Realm issuer."),
    Aadsts(700024, "invalid_client", 401, "Client assertion is not within its valid time range. {reason}"),
    Aadsts(
        700025,
        "invalid_client",
        401,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    Aadsts(700027, "invalid_client", 401, "{reason}"),
    Aadsts(
        700030,
        "invalid_client",
        401,
        "Invalid certificate - subject name in certificate is not authorized. SubjectNames/SubjectAlternativeNames "
        "(up to 10) in token certificate are: {subject}.",
    ),
    Aadsts(700051, "unsupported_response_type", 400, "response_type 'token' is not enabled for the application."),
    Aadsts(700054, "unsupported_response_type", 400, "response_type 'id_token' is not enabled for the application."),
    Aadsts(
        700082,
        "invalid_grant",
        400,
        "The refresh token has expired due to inactivity. It was inactive for 90.00:00:00.",
        "bad_token",
    ),
    Aadsts(
        700084,
        "invalid_grant",
        400,
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of "
        "1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA.",
    ),
    Aadsts(700211, "invalid_client", 401, _NO_FEDERATION.format(what="issuer")),
    Aadsts(700212, "invalid_client", 401, _NO_FEDERATION.format(what="audience")),
    Aadsts(700213, "invalid_client", 401, _NO_FEDERATION.format(what="subject")),
    Aadsts(
        700229,
        "unauthorized_client",
        400,
        "The assertion is of Entra ID itself: only app tokens can be used as Federated Identity Credentials for it.",
    ),
    Aadsts(
        900023,
        "invalid_request",
        400,
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    ),
    Aadsts(900144, "invalid_request", 400, "The request body must contain the following parameter: '{parameter}'."),
    Aadsts(900384, "invalid_request", 400, "JWT token failed signature validation."),
    Aadsts(900561, "invalid_request", 400, "The endpoint only accepts POST requests. Received a {method} request."),
    Aadsts(901002, "invalid_request", 400, "The 'resource' request parameter is not supported."),
    Aadsts(
        1002012,
        "invalid_scope",
        400,
        "The provided value for scope {scope} is not valid. Client credential flows "
        "must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
    ),
    Aadsts(7000112, "unauthorized_client", 400, "Application '{client}'({name}) is disabled."),
    Aadsts(
        7000114,
        "unauthorized_client",
        400,
        "Application '{client}' is not allowed to make application on-behalf-of calls.",
    ),
    Aadsts(
        7000215,
        "invalid_client",
        401,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'.",
    ),
    Aadsts(
        7000216,
        "invalid_client",
        401,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    ),
    Aadsts(
        7000218,
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    Aadsts(7000222, "invalid_client", 401, "The provided client secret keys for app '{client}' are expired."),
    Aadsts(
        7000229,
        "invalid_client",
        401,
        "The client application {client} is missing service principal in the tenant {tenant}.",
    ),
    Aadsts(
        7002138,
        "invalid_client",
        401,
        "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches "
        "with case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity "
        "credential Subject, Audience and Issuer against the presented assertion.",
    ),
    Aadsts(
        9001023,
        "invalid_grant",
        400,
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or "
        "tenant-specific endpoint.",
    ),
    Aadsts(
        9000411,
        "invalid_request",
        400,
        "The request is not properly formatted. The parameter '{parameter}' is duplicated.",
    ),
    Aadsts(9002313, "invalid_request", 400, "Invalid request. Request is malformed or invalid."),
    Aadsts(
        9002325, "invalid_request", 400, "Proof Key for Code Exchange is required for cross-origin code redemption."
    ),
    Aadsts(
        9002326,
        "invalid_request",
        400,
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request "
        "origin: '{address}'.",
    ),
    Aadsts(
        9002327,
        "invalid_request",
        400,
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    ),
)
