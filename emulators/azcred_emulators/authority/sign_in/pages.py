"""The sign-in pages as HTML: one function each, from what it shows to a response.

Every value goes through `Markup.format`, which escapes it. A page needs neither scripts nor other files; the one
that takes an answer back to the app submits itself and has a button for browsers without scripts.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup
from werkzeug.wrappers import Response

from azcred_emulators.authority.errors import EntraError
from azcred_emulators.directory import User
from azcred_emulators.serving.urls import is_executable, split_url

_STYLE = Markup(
    ":root{color-scheme:light dark;--ink:#1b1b1b;--soft:#595959;--line:#767676;--page:#f2f2f2;--sheet:#fff;"
    "--main:#0f5ea8;--on-main:#fff;--alert:#a4262c}"
    "@media(prefers-color-scheme:dark){:root{--ink:#f2f2f2;--soft:#b8b8b8;--line:#8a8a8a;--page:#161616;"
    "--sheet:#242424;--main:#75b6f0;--on-main:#10202e;--alert:#ff9a9e}}"
    "*{box-sizing:border-box}"
    "body{font:16px/1.5 system-ui,sans-serif;background:var(--page);color:var(--ink);margin:0}"
    "main{max-width:30rem;margin:4rem auto;padding:2.5rem;background:var(--sheet);border-radius:.5rem;"
    "box-shadow:0 2px 12px #0003;overflow-wrap:anywhere}"
    "@media(max-width:32rem){main{margin:0;border-radius:0;padding:1.5rem;min-height:100vh}}"
    "h1{font-size:1.5rem;line-height:1.25;font-weight:600;margin:0 0 1rem}label{display:block;margin:1rem 0 .25rem}"
    "input{font:inherit;width:100%;padding:.5rem;color:inherit;background:transparent}"
    "input,button{border:1px solid var(--line);border-radius:.25rem}"
    "button{font:inherit;min-width:7rem;padding:.5rem 1rem;margin:1rem .5rem 0 0;background:transparent;color:inherit;"
    "cursor:pointer}button:hover{border-color:var(--main)}"
    "button.main{background:var(--main);border-color:var(--main);color:var(--on-main)}"
    "ul.accounts{list-style:none;padding:0}ul.accounts button{width:100%;text-align:left;margin:.25rem 0}"
    "strong{font-weight:600}small{display:block;font-size:.875rem;color:var(--soft)}"
    ":focus-visible{outline:3px solid var(--main);outline-offset:2px}"
    "[role=alert]{color:var(--alert);font-weight:600}"
    ".emulated{font-size:.875rem;color:var(--soft);margin:2rem 0 0}"
)
_SUBMIT = Markup("document.forms[0].submit()")
_DOCUMENT = Markup(
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n'
    '<body>\n<main>\n<h1>{title}</h1>\n{body}\n<p class="emulated">Emulated by azcred. Nothing typed in here leaves '
    "this machine.</p>\n</main>\n</body>\n</html>\n"
)
_FORM = Markup(
    '<form method="post" action="{action}">\n<input type="hidden" name="step" value="{step}">\n'
    '<input type="hidden" name="canary" value="{canary}">\n{fields}{body}</form>\n'
)
_HIDDEN = Markup('<input type="hidden" name="{}" value="{}">\n')
_BUTTON = Markup('<button class="main" name="answer" value="{}">{}</button>\n')
_CANCEL = Markup('<button name="answer" value="cancel" formnovalidate>{}</button>\n')
_ALERT = Markup('<p role="alert" id="problem">{}</p>\n')
_HOST = re.compile(r"^[A-Za-z0-9.\-]+$|^\[[0-9A-Fa-f:]+\]$")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.\-]*$")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class Form:
    """Where the form of a page goes, and what it brings back there: the proof that this browser was given it.

    `user` and `ticket` say, and prove, who has signed in. `destination` is the address of the app, if it is known
    to be one: browsers must be allowed to follow the form's answer there.
    """

    action: str
    canary: str
    application: str
    destination: str = ""
    user: str = ""
    ticket: str = ""


def sources_of(address: str) -> str:
    """Return where a form whose answer is for an app's address may lead, as a content security policy has it.

    Browsers hold every redirect that follows to it, the app's own to wherever it sends its users next included, so
    that is any web page. "" if no form may go to the address.
    """
    parts = split_url(address)
    if not _SCHEME.match(parts.scheme) or is_executable(address):
        return ""
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}:"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return "http: https:" if _HOST.match(host) else ""


def account(form: Form, users: Iterable[User], signed_in: Iterable[str], typed: str, problem: str) -> Response:
    """Ask which account to use; `signed_in` are the object ids of those that need no password."""
    known = set(signed_in)
    entry = Markup('<li><button name="username" value="{}"><strong>{}</strong><small>{}{}</small></button></li>\n')
    entries = Markup().join(
        entry.format(
            user.principal_name, user.name, user.principal_name, " \u2013 signed in" * (user.object_id in known)
        )
        for user in users
    )
    listed = _form(form, "account", Markup('<ul class="accounts">\n{}</ul>\n').format(entries)) if entries else Markup()
    typing = Markup(
        '<label for="username">Another account</label>\n<input id="username" name="username" type="text" value="{}" '
        'autocomplete="username" autocapitalize="none" spellcheck="false" required{}>\n{}{}'
    ).format(typed, _described(problem), _BUTTON.format("next", "Next"), _CANCEL.format("Cancel"))
    to = Markup("<p>to continue to {}</p>\n").format(form.application)
    return _page("Pick an account", to + _alert(problem) + listed + _form(form, "account", typing), form)


def password(form: Form, username: str, problem: str) -> Response:
    """Ask for the password of an account."""
    body = Markup(
        '<input name="username" value="{}" autocomplete="username" readonly hidden>\n<p>{}</p>\n'
        '<label for="password">Password</label>\n'
        '<input id="password" name="password" type="password" autocomplete="current-password" autofocus '
        "required{}>\n{}{}"
    ).format(username, username, _described(problem), _BUTTON.format("next", "Sign in"), _CANCEL.format("Cancel"))
    return _page("Enter password", _alert(problem) + _form(form, "password", body), form)


def second_factor(form: Form, user: User) -> Response:
    """Ask for the second factor, which here is a button."""
    body = Markup("<p>{}</p>\n<p>Your organization wants you to prove who you are in a second way.</p>\n{}{}").format(
        user.principal_name, _BUTTON.format("approve", "Approve"), _CANCEL.format("Deny")
    )
    return _page("Approve sign-in request", _form(form, "mfa", body), form)


def stay_signed_in(form: Form, user: User) -> Response:
    """Ask whether to keep the session when the browser is closed."""
    no = Markup('<button name="answer" value="no">No</button>\n')
    body = Markup("<p>{}</p>\n<p>Do this to reduce the number of times you are asked to sign in.</p>\n{}{}").format(
        user.principal_name, _BUTTON.format("yes", "Yes"), no
    )
    return _page("Stay signed in?", _form(form, "stay", body), form)


def consent(form: Form, user: User, scopes: Iterable[str]) -> Response:
    """Ask whether the app may do what it asks for."""
    items = Markup().join(Markup("<li>{}</li>\n").format(scope) for scope in scopes)
    body = Markup("<p>{}</p>\n<p>{} would like to:</p>\n<ul>\n{}</ul>\n{}{}").format(
        user.principal_name, form.application, items, _BUTTON.format("accept", "Accept"), _CANCEL.format("Cancel")
    )
    return _page("Permissions requested", _form(form, "consent", body), form)


def confirm(form: Form, user: User) -> Response:
    """Ask whether the person means the app whose code they typed in."""
    body = Markup("<p>{}</p>\n<p>Do not continue if you did not start this on a device of yours.</p>\n{}{}").format(
        user.principal_name, _BUTTON.format("continue", "Continue"), _CANCEL.format("Cancel")
    )
    return _page(f"Are you trying to sign in to {form.application}?", _form(form, "confirm", body), form)


def device_code(form: Form, typed: str, problem: str) -> Response:
    """Ask for the code that a device shows."""
    body = Markup(
        '<label for="otc">Code that your app or device shows</label>\n<input id="otc" name="otc" type="text" '
        'value="{}" autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus required{}>\n{}'
    ).format(typed, _described(problem), _BUTTON.format("next", "Next"))
    return _page("Enter code", _alert(problem) + _form(form, "code", body), form)


def message(title: str, text: str) -> Response:
    """Tell a person how it ended."""
    return _page(title, Markup("<p>{}</p>").format(text), None)


def error(problem: EntraError, form: Form | None = None) -> Response:
    """Show what is wrong; with a form, a button takes the person back to the app."""
    back = _form(form, "return", _BUTTON.format("return", "Return to the app")) if form else Markup()
    return _page("Sorry, but we're having trouble signing you in", _alert(problem.text) + back, form, problem.status)


def form_post(address: str, parameters: Mapping[str, str]) -> Response:
    """Take an answer to the app in a form that submits itself (OAuth 2.0 Form Post Response Mode)."""
    fields = Markup().join(_HIDDEN.format(name, value) for name, value in parameters.items())
    body = Markup(
        '<form method="post" action="{}">\n{}<noscript><p>Press the button to continue.</p>\n'
        '<button class="main">Continue</button></noscript>\n</form>\n<script>{}</script>'
    ).format(address, fields, _SUBMIT)
    return _page("Working...", body, Form("", "", "", address))


def secured(response: Response, destination: str = "") -> Response:
    """Add the headers that keep a page from being framed, stored, or made to load or send anything elsewhere."""
    sources = sources_of(destination) if destination else ""
    response.headers.update(
        {
            "Cache-Control": "no-store, no-cache",
            "Pragma": "no-cache",
            "Content-Security-Policy": (
                f"default-src 'none'; script-src {_hash(_SUBMIT)}; style-src {_hash(_STYLE)}; base-uri 'none'; "
                f"frame-ancestors 'none'; form-action 'self'{' ' * bool(sources)}{sources}"
            ),
            "Referrer-Policy": "no-referrer",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
    )
    return response


def _page(title: str, body: Markup, form: Form | None, status: int = 200) -> Response:
    html = _DOCUMENT.format(style=_STYLE, title=title, body=body).encode("utf-8", "replace")
    return secured(
        Response(html, status=status, content_type="text/html; charset=utf-8"), form.destination if form else ""
    )


def _form(form: Form, step: str, body: Markup) -> Markup:
    fields = Markup().join(
        _HIDDEN.format(name, value) for name, value in (("user", form.user), ("ticket", form.ticket)) if value
    )
    return _FORM.format(action=form.action, step=step, canary=form.canary, fields=fields, body=body)


def _alert(problem: str) -> Markup:
    return _ALERT.format(problem) if problem else Markup()


def _described(problem: str) -> Markup:
    return Markup(' aria-invalid="true" aria-describedby="problem"') if problem else Markup()
