"""Variables that the programs see which this process starts, and that it does not see itself.

The proxy that leads to the emulators is for programs that nothing redirects. In this process, whose connections are
redirected, a client would take it for a setting of its own. So these variables are in the environment of C alone, which
programs inherit and `os.environ` does not show, and are added where a call names an environment that was made from
this process's. Only the light part of the standard library is imported here: child processes load this, too.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

from pytest_azcred.redirect.patching import Patches

_ISOLATED = "AZCRED_ROUTING"  # which every environment holds that was made from this process's
# OpenSSL in this process would read it from C's, and trust others from then on: it is there while `os.system` runs.
_NAMED_ONLY = ("SSL_CERT_FILE",)
_ENV = 10  # the position of `env` among the arguments of Popen, itself left out

_layers: "list[ChildVariables]" = []  # the innermost last
_patches = Patches(isolating=True)


class ChildVariables:
    """Variables of the programs that this process starts from `set` to `unset`.

    One that the process gives another value in between keeps that one, for programs, too, and so does one that differs
    in case only: curl reads `http_proxy`, others `HTTP_PROXY`. `before` are the values that it may have and that ours
    take the place of; by default those at `set`. `on_start` is called before a program is started.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        before: Mapping[str, str | None] | None = None,
        on_start: Callable[[], object] = lambda: None,
    ) -> None:
        self.values = values
        self.before: Mapping[str, str | None] | None = before
        self.on_start = on_start

    def set(self) -> None:
        """Let programs see them, rather than those of an outer layer."""
        if self.before is None:
            self.before = {name: os.environ.get(name) for name in self.values}
        if not _layers:
            _patches.after_import("subprocess", _patch_subprocess)
            _patches.wrap(os, "system", _renewing)
            _patches.wrap(os, "execve", _with_env(2))
            _patches.wrap(os, "posix_spawn", _with_env(2))
            _patches.wrap(os, "posix_spawnp", _with_env(2))
        _layers.append(self)
        renew()

    def unset(self) -> None:
        """Let programs see what they did before."""
        _layers.remove(self)
        renew(self.values)
        if not _layers:
            _patches.undo()

    def save(self) -> Mapping[str, Sequence[str | None]]:
        """Return what a child process passes to `resume`."""
        before = self.before or {}
        return {name: (value, before.get(name)) for name, value in self.values.items()}


def resume(saved: Mapping[str, Sequence[str | None]]) -> None:
    """Hide from this process the variables that the one which has started it has hidden from itself, until it ends."""
    for name, (value, before) in saved.items():
        if os.environ.get(name) == value:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
    values = {name: value for name, (value, _) in saved.items() if value is not None}
    ChildVariables(values, {name: before for name, (_, before) in saved.items()}).set()


def renew(names: Iterable[str] = ()) -> None:
    """Give the environment of C our values, where this process has not changed its own; these names lose theirs.

    Whoever removes a variable from `os.environ` that a test has set, as `monkeypatch` does, takes ours away with it.
    """
    ours = _ours(os.environ)
    for name in {*_names(), *names}:
        value = ours.get(name, os.environ.get(name)) if name not in _NAMED_ONLY else os.environ.get(name)
        if value is None:
            os.unsetenv(name)
        else:
            os.putenv(name, value)


def before_start(*, by_system: bool = False) -> None:
    """Make everything ready for a program that is about to be started, as `os.system` does it or otherwise."""
    if not _layers:
        return
    renew()
    if by_system:
        ours = _ours(os.environ)
        for name in set(_NAMED_ONLY) & ours.keys():
            os.putenv(name, ours[name])
    _layers[-1].on_start()


def completed(environ: Mapping[Any, Any] | None) -> Mapping[Any, Any] | None:
    """Return the environment for a program, None for this process's, with our variables if it was made from that."""
    if not _layers:
        return environ
    if environ is None:
        return {**os.environ, **_ours(os.environ)}
    if _ISOLATED not in environ and os.fsencode(_ISOLATED) not in environ:
        return environ
    return {**environ, **_ours({os.fsdecode(name): os.fsdecode(value) for name, value in environ.items()})}


def _names() -> "set[str]":
    return {name for layer in _layers for name in layer.values}


def _ours(environ: Mapping[str, str]) -> dict[str, str]:
    """Return those of our variables that have not been given another value in this environment."""
    ours = {}
    for layer in _layers:
        before = layer.before or {}
        changed = {name.upper() for name in layer.values if environ.get(name) not in (before.get(name), None)}
        ours.update({name: value for name, value in layer.values.items() if name.upper() not in changed})
    return ours


def _patch_subprocess(subprocess: Any) -> None:
    _patches.wrap(subprocess.Popen, "__init__", _with_env(_ENV, or_none=True))


def _renewing(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what takes the variables away again that C's environment has for the time of a command alone."""

    @wraps(original)
    def system(command: Any) -> Any:
        try:
            return original(command)
        finally:
            renew()

    return system


def _with_env(position: int, *, or_none: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what completes the argument `env` of a function, which may also be left out where `or_none`."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def start(*arguments: Any, **keywords: Any) -> Any:
            index = position + or_none  # after the object itself, where it is a method
            if len(arguments) > index:
                arguments = (*arguments[:index], completed(arguments[index]), *arguments[index + 1 :])
            elif or_none or keywords.get("env") is not None:
                keywords["env"] = completed(keywords.get("env"))
            return original(*arguments, **keywords)

        return start

    return wrap
