"""The page at `/`: who asked for what, and buttons for what the API does.

Made on the server. Every value goes through `Markup.format`, which escapes it; the script only fetches the timeline
anew, and the page may load nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from markupsafe import Markup
from werkzeug.wrappers import Response

from azcred_emulators.emulation.journal_entry import JournalEntry
from azcred_emulators.emulation.request import Request
from azcred_emulators.environments import ENVIRONMENTS, select
from azcred_emulators.standalone.configuration import add_fault
from azcred_emulators.standalone.session import ServerSession, ServerSessions

_STYLE = Markup(Path(__file__).with_name("dashboard.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file
_SCRIPT = Markup(Path(__file__).with_name("dashboard.js").read_text(encoding="utf-8"))  # noqa: S704
_MOST_ROWS = 200  # requests
_TIMES = ("exp", "iat", "nbf", "auth_time", "xms_rt")
_HEADINGS = Markup().join(
    Markup('<th scope="col"{}>{}</th>').format(Markup(' class="took"') * (name == "ms"), name)
    for name in ("#", "when", "who", "asked for", "as", "outcome", "ms")
)
_LEAPS = (("+ 5 min", 300), ("+ 1 hour", 3600), ("+ 25 hours", 90_000), ("+ 90 days", 7_776_000))
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "429 Too Many Requests": {"kind": "Status", "code": 429, "retry_after": 1},
    "500 Internal Server Error": {"kind": "Status", "code": 500},
    "503 Service Unavailable": {"kind": "Status", "code": 503},
    "410 Gone (metadata service is updating)": {"kind": "Gone"},
    "400 Identity not found": {"kind": "IdentityNotFound"},
    "An answer that is no JSON": {"kind": "NotJson"},
    "A token that has expired": {"kind": "ExpiredToken"},
    "An answer 3 seconds late": {"kind": "Slow", "delay": 3},
    "No answer for 30 seconds": {"kind": "Hang", "duration": 30},
    "The connection is reset": {"kind": "Reset"},
}


def dashboard(session: ServerSession, server: ServerSessions) -> Response:
    """Return the whole page."""
    emulators = session.emulators
    entries = emulators.journal.requests()
    others = Markup().join(
        Markup('<a href="{}/">{}</a> ').format(other.emulators.http.url, other.name)
        for other in list(server.sessions.values())
        if other is not session
    )
    body = Markup(
        '<header><h1>azcred <small>{} session</small></h1><code>{}</code><code>{}</code><nav>{}<a href="/">Refresh</a>'
        '<a href="/azcred/openapi.json">API</a></nav></header>\n<div class="columns">\n<aside>{}{}{}</aside>\n'
        '<main><section><h2>Who asked for what</h2><div id="timeline" data-last="{}">{}</div></section></main>\n</div>'
    ).format(
        session.name,
        emulators.http.url,
        emulators.https.url,
        others,
        _environments([environment.name for environment in emulators.environments]),
        _clock(emulators.clock.now()),
        _faults({name: faults.unspent for name, faults in emulators.faults().items()}),
        max((entry.number for entry in entries if entry.duration), default=0),
        timeline(entries),
    )
    html = Markup(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>azcred: {}</title>\n<meta '
        'name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        "<style>{}</style>\n</head>\n<body>\n{}\n<script>{}</script>\n</body>\n</html>\n"
    ).format(session.name, _STYLE, body, _SCRIPT)
    return page(html)


def page(html: Markup, status: int = 200) -> Response:
    """Return a page that may show and load nothing but what is in it and of this server."""
    response = Response(html, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; connect-src 'self'; form-action 'self'; img-src data:; style-src {_hash(_STYLE)}; "
        f"script-src {_hash(_SCRIPT)}; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers |= {
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return response


def timeline(entries: Iterable[JournalEntry]) -> Markup:
    """Return the requests as a table, the newest first."""
    newest = list(entries)[::-1]
    if not newest:
        return Markup('<p class="empty">Nobody has asked for anything yet.</p>')
    counts = {
        "requests": len(newest),
        "tokens": sum(entry.answered for entry in newest),
        "refused": sum((entry.status or 0) >= 400 or bool(entry.exit_code) for entry in newest),
    }
    numbers = Markup().join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, count) for name, count in counts.items()
    )
    rows = Markup().join(_row(entry) for entry in newest[:_MOST_ROWS])
    more = Markup('<p class="hint">The {} newest of {} are shown.</p>').format(_MOST_ROWS, len(newest))
    return Markup(
        '<dl class="counts">{}</dl><div class="scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        "{}"
    ).format(numbers, _HEADINGS, rows, more if len(newest) > _MOST_ROWS else "")


def _row(entry: JournalEntry) -> Markup:
    good = entry.answered or entry.status == 200
    outcome = f"exit {entry.exit_code}" if entry.exit_code is not None else entry.status or "no answer"
    if entry.exit_code:
        good = False
    kind = "good" if good else "bad" if entry.status or entry.fault else ""
    what = entry.command or entry.resource or entry.scope or entry.path
    details = Markup()
    if entry.claims:
        claims = Markup().join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(name, _claim(name, value)) for name, value in entry.claims.items()
        )
        details = Markup(
            '<tr><td></td><td colspan="6"><details id="claims-{}"><summary>token</summary><dl class="claims">{}</dl>'
            "</details></td></tr>"
        ).format(entry.number, claims)
    return Markup(
        '<tr{}><td class="number">{}</td><td class="when">{}</td><td class="who">{}<small>{}</small></td><td>{}</td>'
        '<td class="as">{}</td><td class="outcome"><span class="pill {}">{}</span>{}{}</td>'
        '<td class="took">{}</td></tr>{}\n'
    ).format(
        Markup(' class="has-token"') * bool(details),
        entry.number,
        _moment(entry.at)[11:],
        entry.provider or entry.emulator,
        " ".join(filter(None, (entry.emulator if entry.provider else None, entry.operation or entry.method))),
        what,
        entry.identity or "\u2013",
        kind,
        outcome,
        Markup("<small>fault {}</small>").format(entry.fault) if entry.fault else "",
        Markup("<small>{}</small>").format(entry.error) if entry.error else "",
        f"{entry.duration * 1000:.0f}",
        details,
    )


def _environments(active: list[str]) -> Markup:
    options = Markup().join(
        Markup('<option value="{}"{}>{}</option>').format(name, Markup(" selected") * (name in active[-1:]), name)
        for name in ENVIRONMENTS
    )
    present = Markup().join(
        Markup("<li><strong>{}</strong><br>{}</li>").format(name, ENVIRONMENTS[name].description) for name in active
    ) or Markup('<li class="empty">none: every host has an identity for every client</li>')
    body = Markup('<label for="name">Environment</label><select id="name" name="name">{}</select>').format(options)
    return Markup('<section><h2>Where the app runs</h2><ul class="list">{}</ul>{}</section>').format(
        present, _form("environment", body, "Put it there")
    )


def _clock(now: float) -> Markup:
    moment = _moment(now)
    buttons = Markup().join(
        Markup('<button name="advance" value="{}">{}</button>').format(seconds, label) for label, seconds in _LEAPS
    )
    return Markup(
        '<section><h2>Clock</h2><time class="now" data-now="{}">{}<small>{} UTC</small></time>'
        '<form method="post" action="/azcred/pages/clock" class="row">{}<button name="advance" value="">reset</button>'
        "</form></section>"
    ).format(now, moment[11:], moment[:10], buttons)


def _faults(left: Mapping[str, Iterable[object]]) -> Markup:
    pending = Markup().join(
        Markup("<li><strong>{}</strong> {}</li>").format(name, repr(fault))
        for name, faults in left.items()
        for fault in faults
    )
    emulators = Markup().join(Markup("<option>{}</option>").format(name) for name in left)
    kinds = Markup().join(Markup("<option>{}</option>").format(name) for name in FAULTS)
    body = Markup(
        '<label for="emulator">The next requests to</label><select id="emulator" name="emulator">{}</select>'
        '<label for="fault">meet</label><select id="fault" name="fault">{}</select>'
        '<label for="times">how often</label><input id="times" name="times" type="number" min="1" max="1000" value="1">'
    ).format(emulators, kinds)
    clear = Markup('<form method="post" action="/azcred/pages/faults/none"><button>Forget them</button></form>')
    listed = Markup('<ul class="list">{}</ul>{}').format(pending, clear) if pending else ""
    return Markup("<section><h2>Faults</h2>{}{}</section>").format(listed, _form("fault", body, "Switch on"))


def _form(action: str, body: Markup, button: str) -> Markup:
    return Markup('<form method="post" action="/azcred/pages/{}">{}<button class="main">{}</button></form>').format(
        action, body, button
    )


def _set_environment(session: ServerSession, form: Mapping[str, str]) -> None:
    session.enter(select(form.get("name", "")), {})


def _move_clock(session: ServerSession, form: Mapping[str, str]) -> None:
    seconds = form.get("advance", "")
    if seconds and int(seconds) not in dict(_LEAPS).values():
        raise ValueError("the clock has a button for each of its leaps")
    if seconds:
        session.move_clock(float(seconds))
    else:
        session.emulators.clock.reset()


def _switch_on(session: ServerSession, form: Mapping[str, str]) -> None:
    fault = FAULTS.get(form.get("fault", ""))
    if fault is None:
        raise ValueError("there is no such fault")
    add_fault(session.emulators, {**fault, "emulator": form.get("emulator"), "times": int(form.get("times", "1"))})


def _switch_off(session: ServerSession, _: Mapping[str, str]) -> None:
    for faults in session.emulators.faults().values():
        faults.clear()


_ACTIONS: Mapping[str, Callable[[ServerSession, Mapping[str, str]], None]] = {
    "environment": _set_environment,
    "clock": _move_clock,
    "fault": _switch_on,
    "faults/none": _switch_off,
}


def answer(session: ServerSession, server: ServerSessions, request: Request) -> Response | None:
    """Answer a request for a page or one of its forms, None for other paths; raises ValueError or LookupError."""
    if request.path == "/" and request.method in ("GET", "HEAD"):
        return dashboard(session, server)
    if request.path == "/azcred/pages/timeline" and request.method == "GET":
        return page(timeline(session.emulators.journal.requests()))
    action = _ACTIONS.get(request.path.removeprefix("/azcred/pages/"))
    if action is None or request.method != "POST":
        return None
    action(session, request.form)
    return Response(status=303, headers={"Location": "/"})


def _claim(name: str, value: object) -> str:
    if name in _TIMES and isinstance(value, int | float):
        try:
            return f"{value} ({_moment(value)} UTC)"
        except (OverflowError, OSError, ValueError):  # of a token that somebody has made up
            return str(value)
    return value if isinstance(value, str) else json.dumps(value)


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
