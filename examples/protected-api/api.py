"""An API that accepts Entra ID's tokens: whoever has the role Orders.Read may see the orders."""

import jwt
from flask import Flask, abort, request

TENANT = "11111111-1111-4111-8111-111111111111"
AUDIENCE = "api://orders"
AUTHORITY = f"https://login.microsoftonline.com/{TENANT}"


def create_app():
    app = Flask(__name__)
    keys = jwt.PyJWKClient(f"{AUTHORITY}/discovery/v2.0/keys")

    def claims():
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            abort(401)
        try:
            key = keys.get_signing_key_from_jwt(token)
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=AUDIENCE,
                issuer=f"https://sts.windows.net/{TENANT}/",
                options={"require": ["exp", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            abort(401)

    @app.get("/orders")
    def orders():
        if "Orders.Read" not in claims().get("roles", []):
            abort(403)
        return {"orders": ["one", "two"]}

    return app
