"""What a resource answers: bodies of every kind, functions and sequences, by path and query, to whom it is for."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from azcred_emulators.apis.answers import Answer
from azcred_emulators.apis.protected_resource import ProtectedResource
from azcred_emulators.apis.received_request import ReceivedRequest
from azcred_emulators.directory import Application
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Reset, Status

from .conftest import Ask

URL = "https://orders.contoso.com"
API = "api://orders"


@pytest.fixture
def orders(emulators: Emulators) -> ProtectedResource:
    """An API of our own."""
    return emulators.resources.add("orders.contoso.com", API)


def test_json_text_and_bytes(orders: ProtectedResource, ask: Ask) -> None:
    """Each with its type of content, unless the answer has another."""
    orders.answer("GET", "/json", json={"a": [1]})
    orders.answer("GET", "/text", data="a")
    orders.answer("GET", "/bytes", data=b"\xff", headers={"Content-Type": "image/png", "ETag": '"1"'})
    orders.answer("DELETE", "/", status=204)
    assert ask(f"{URL}/json", audience=API).json == {"a": [1]}
    text, data = ask(f"{URL}/text", audience=API), ask(f"{URL}/bytes", audience=API)
    assert (text.text, text.content_type) == ("a", "text/plain; charset=utf-8")
    assert (data.data, data.content_type, data.headers["ETag"]) == (b"\xff", "image/png", '"1"')
    assert ask(URL, "DELETE", API).status_code == 204


def test_by_query_and_by_parameters_of_the_path(orders: ProtectedResource, ask: Ask) -> None:
    """The most precise answer is given, in whatever order they were set."""
    orders.answer("GET", "/orders/<path:rest>", data="rest")
    orders.answer("GET", "/orders/<number>", lambda request: request.parameters["number"])
    orders.answer("GET", "/orders/1", data="one")
    orders.answer("GET", "/orders/1", query={"expand": "lines"}, data="one with lines")
    for path, text in (
        *(("1", "one"), ("1?expand=lines&x=1", "one with lines"), ("1?expand=no", "one"), ("2", "2")),
        *(("2/lines/3", "rest"), ("a%20b", "a b")),
    ):
        assert ask(f"{URL}/orders/{path}", audience=API).text == text


def test_functions_get_the_request(orders: ProtectedResource, ask: Ask) -> None:
    """They return an answer, or its body."""

    def total(request: ReceivedRequest) -> object:
        return {"total": sum(line["price"] for line in request.json), "who": request.identity}

    orders.answer("POST", "/total", total)
    orders.answer("PUT", "/nothing", lambda request: None)
    orders.answer("PUT", "/teapot", lambda request: Answer(418, data="short and stout"))
    asked = ask(f"{URL}/total", "POST", API, json=[{"price": 2}, {"price": 3}])
    assert asked.json == {"total": 5, "who": orders.requests[-1].identity}
    assert ask(f"{URL}/nothing", "PUT", API).data == b""
    assert ask(f"{URL}/teapot", "PUT", API).status_code == 418


def test_a_sequence(orders: ProtectedResource, ask: Ask) -> None:
    """One after the other; the last one stays. Setting it again begins anew."""
    states = [Answer(202), Answer(json={"state": "made"})]
    for _ in range(2):
        orders.answer("GET", "/orders/1", *states)
        assert [ask(f"{URL}/orders/1", audience=API).status_code for _ in range(4)] == [202, 200, 200, 200]


def test_a_function_that_crashes_is_a_crash(orders: ProtectedResource, ask: Ask, emulators: Emulators) -> None:
    """The client gets a 500, and the test fails with the traceback."""
    orders.answer("GET", "/", lambda request: 1 // 0)
    assert ask(URL, audience=API).status_code == 500
    assert "ZeroDivisionError" in emulators.crashes.reports[0]
    emulators.crashes.clear()


def test_server_sent_events(orders: ProtectedResource, ask: Ask) -> None:
    """Text as it is, everything else as JSON."""
    orders.answer("GET", "/events", events=[{"number": 1}, "two\nlines", "[DONE]"])
    answer = ask(f"{URL}/events", audience=API)
    assert answer.mimetype == "text/event-stream"
    assert answer.text == 'data: {"number":1}\n\ndata: two\ndata: lines\n\ndata: [DONE]\n\n'


def test_head_is_answered_from_get(orders: ProtectedResource, ask: Ask) -> None:
    """Its headers without the body; a refusal and a 404 have no type of content that clients would read."""
    orders.answer("GET", "/file", data="content", headers={"ETag": '"1"'})
    found = ask(f"{URL}/file", "HEAD", API)
    assert (found.status_code, found.headers["ETag"], found.headers["Content-Length"]) == (200, '"1"', "7")
    for answer in (ask(f"{URL}/other", "HEAD", API), ask(f"{URL}/file", "HEAD")):
        assert (answer.data, "Content-Type" in answer.headers) == (b"", False)
    orders.answer("HEAD", "/file", status=410)
    assert ask(f"{URL}/file", "HEAD", API).status_code == 410


def test_anonymous_answers(orders: ProtectedResource, ask: Ask) -> None:
    """Without a token and with a bad one; a good one is noted."""
    orders.answer("GET", "/health", data="fine", anonymous=True)
    assert ask(f"{URL}/health").text == "fine"
    assert ask(f"{URL}/health", audience="https://vault.azure.net").text == "fine"
    assert ask(f"{URL}/other").status_code == 401
    ask(f"{URL}/health", audience=API)
    assert [each.claims and each.claims["aud"] for each in orders.requests] == [None, None, None, API]


def test_what_was_received(orders: ProtectedResource, ask: Ask, application: Application) -> None:
    """Everything of a request but its token."""
    orders.answer("POST", "/orders/<number>", status=201)
    body = gzip.compress(json.dumps({"a": 1}).encode())
    headers = {"Content-Encoding": "gzip", "X-Trace": "1"}
    ask(f"{URL}/orders/7?top=1&top=2", "POST", API, data=body, headers=headers)
    ask(f"{URL}/orders/7", "POST")
    good, bad = orders.requests
    assert (good.method, good.path, good.query, good.parameters) == ("POST", "/orders/7", {"top": "1"}, {"number": "7"})
    assert (good.json, good.headers["x-trace"], good.status) == ({"a": 1}, "1", 201)
    assert good.claims
    assert (good.claims["appid"], good.identity) == (application.client_id, application.name)
    assert good.headers["Authorization"] == "Bearer <token>"
    assert "eyJ" not in repr(good)
    assert (bad.status, bad.claims, bad.identity) == (401, None, None)


# Who may ask


def test_scopes_and_roles(orders: ProtectedResource, ask: Ask, emulators: Emulators) -> None:
    """A user needs one of the scopes, an app one of the roles; the refusal says what the token lacks."""
    user = emulators.directory.users()[0]
    orders.answer("GET", "/orders", json=[], scopes=["Orders.Read", "Orders.Write"], roles=["Orders.Read.All"])
    orders.answer("GET", "/mine", json=[], scopes=["Orders.Read"])
    orders.answer("GET", "/all", json=[], roles=["Orders.Read.All"])
    as_user: dict[str, object] = {"oid": user.object_id, "scp": "Orders.Read User.Read"}
    as_app: dict[str, object] = {"roles": ["Orders.Read.All"]}
    cases: list[tuple[str, dict[str, object], int, str]] = [
        ("orders", as_user, 200, ""),
        ("orders", as_app, 200, ""),
        ("orders", {**as_user, "scp": "User.Read"}, 403, "none of the scopes Orders.Read, Orders.Write"),
        ("orders", {"roles": ["Other"]}, 403, "none of the roles Orders.Read.All"),
        ("orders", {}, 403, "none of the roles Orders.Read.All"),
        ("mine", as_user, 200, ""),
        ("mine", as_app, 403, "only users may do this"),
        ("all", as_app, 200, ""),
        ("all", as_user, 403, "only apps with a role may do this"),
    ]
    for path, claims, status, reason in cases:
        answer = ask(f"{URL}/{path}", audience=API, claims=claims)
        assert answer.status_code == status
        if status == 403:
            assert answer.json
            assert reason in answer.json["error"]["message"]
    assert "it has Other" in str(emulators.journal)


def test_identities_that_are_allowed(
    orders: ProtectedResource, ask: Ask, application: Application, emulators: Emulators
) -> None:
    """Others get a 403, as without a role assignment; the journal says what would help."""
    orders.answer("GET", "/", json=[])
    other = emulators.directory.add(Application(name="other", tenant_id=application.tenant_id))
    for name in (application.name, application.client_id, application.object_id):
        orders.allow(name)
        assert ask(URL, audience=API).status_code == 200
    orders.allow(other.name)
    assert ask(URL, audience=API).status_code == 403
    refused = emulators.journal.requests(status=403)[-1]
    assert f"azcred.resource('{URL}').allow('{application.name}') lets it" in (refused.error or "")
    orders.allow()
    assert ask(URL, audience=API).status_code == 403
    with pytest.raises(LookupError, match="the directory has no identity 'othr'; did you mean 'other'"):
        orders.allow("othr")


def test_faults_of_one_resource(orders: ProtectedResource, ask: Ask, emulators: Emulators) -> None:
    """The next requests to it, and to no other."""
    emulators.resources.add("other.contoso.com", API).answer("GET", "/", json=[])
    orders.answer("GET", "/", json=[])
    orders.faults.add(Status(503), method="GET")
    assert ask("https://other.contoso.com", audience=API).status_code == 200
    assert [ask(URL, audience=API).status_code for _ in range(2)] == [503, 200]
    with pytest.raises(TypeError, match="is the class of a fault"):
        orders.faults.add(Reset)  # type: ignore[arg-type]


# What can never match


@pytest.mark.parametrize(
    ("path", "options", "sentence"),
    [
        ("/a/../b", {}, "no request has the path '/a/../b'"),
        ("/<number", {}, "a parameter of a path is written '<name>'"),
        ("/<1>", {}, "a parameter of a path is written"),
        ("/<a>/<a>", {}, "each name once"),
        ("/a", {"query": {"top": 1}}, "a query is names and values, all of them text"),
        ("/a", {"anonymous": True, "roles": ["A"]}, "an anonymous answer needs no token"),
        ("/a", {"roles": "A"}, "roles are a list of names, not 'A'"),
        ("/a", {"status": 204, "json": {}}, "an answer with status 204 has no body"),
        ("/a", {"events": [1], "data": "a"}, "an answer has one body"),
        ("/a", {"headers": {"a b": "c"}}, "an answer cannot have the header 'a b'"),
        ("/a", {"headers": {"a": "b\r\nc: d"}}, "an answer cannot have the header 'a'"),
    ],
)
def test_what_can_never_be_answered(
    orders: ProtectedResource, path: str, options: dict[str, Any], sentence: str
) -> None:
    """Is refused where it is set."""
    with pytest.raises(ValueError, match=r".") as error:
        orders.answer("GET", path, **options)
    assert sentence in str(error.value)


def test_answers_of_no_kind(orders: ProtectedResource) -> None:
    """Neither an Answer nor a function, or both a sequence and a body."""
    with pytest.raises(ValueError, match="an answer is an Answer, or a function"):
        orders.answer("GET", "/", {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="give either answers, or the status, body and headers of one"):
        orders.answer("GET", "/", Answer(), status=500)
    with pytest.raises(ValueError, match=r"there is no stand-in for orders.contoso.com; answer\(\) sets"):
        orders.fill(secrets={})


def test_a_scope_that_ends_takes_its_answers_with_it(emulators: Emulators, orders: ProtectedResource, ask: Ask) -> None:
    """And what was received in it, and who was allowed."""
    orders.answer("GET", "/", data="outer")
    remove = emulators.add_layer()
    orders.answer("GET", "/", data="inner")
    orders.allow()
    ask(URL, audience=API)
    remove()
    assert orders.requests == []
    assert ask(URL, audience=API).text == "outer"
