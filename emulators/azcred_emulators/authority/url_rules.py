"""Which URLs the token service answers at, and the name of the endpoint at each."""

from werkzeug.routing import Map, Rule


def _versions(path: str, endpoint: str, *methods: str) -> list[Rule]:
    """Return the rules of an endpoint that is there in version 1 and 2."""
    return [
        Rule(f"/<tenant>/oauth2/v2.0/{path}", methods=methods, endpoint=endpoint, defaults={"version": "2"}),
        Rule(f"/<tenant>/oauth2/{path}", methods=methods, endpoint=endpoint, defaults={"version": "1"}),
    ]


RULES = Map(
    [
        Rule("/<tenant>/discovery/instance", methods=["GET"], endpoint="instance-discovery"),
        Rule(
            "/<tenant>/v2.0/.well-known/openid-configuration",
            methods=["GET"],
            endpoint="openid-configuration",
            defaults={"version": "2"},
        ),
        Rule(
            "/<tenant>/.well-known/openid-configuration",
            methods=["GET"],
            endpoint="openid-configuration",
            defaults={"version": "1"},
        ),
        Rule("/<tenant>/discovery/v2.0/keys", methods=["GET"], endpoint="keys", defaults={"version": "2"}),
        Rule("/<tenant>/discovery/keys", methods=["GET"], endpoint="keys", defaults={"version": "1"}),
        *_versions("token", "token", "POST"),
        *_versions("token", "preflight", "OPTIONS"),
        *_versions("authorize", "authorize", "GET", "POST"),
        *_versions("devicecode", "devicecode", "POST"),
        *_versions("logout", "logout", "GET", "POST"),
        Rule("/oauth2/<any(token,authorize,devicecode,logout):what>", endpoint="without-tenant"),
        Rule("/oauth2/v2.0/<any(token,authorize,devicecode,logout):what>", endpoint="without-tenant"),
        Rule("/common/oauth2/deviceauth", methods=["GET", "POST"], endpoint="device-login"),
        Rule("/devicelogin", methods=["GET"], endpoint="to-device-login"),
        Rule("/<tenant>/userrealm/<name>", methods=["GET"], endpoint="userrealm"),
        Rule("/<tenant>/UserRealm/<name>", methods=["GET"], endpoint="userrealm"),
    ],
    redirect_defaults=False,
)
