"""App Configuration's stand-in: settings are set, read, listed by filters, and deleted."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.app_configuration.data import HOSTS, NAME, NO_LABEL, REFERENCE, SETTING, SETTINGS

Setting = Mapping[str, Any]


class AppConfiguration(StandIn):
    """A store. `settings` are values, `references` URLs of secrets; a label is in brackets: "color[production]"."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"settings": dict, "references": dict}
    forgiving: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.stored: dict[tuple[str, str | None], Setting] = {}

    def fill(self, **content: Any) -> None:
        """Set settings and references; raises ValueError for what is no text."""
        before = self.content
        super().fill(**content)
        self.content = before
        for kind, values in content.items():
            for name, value in values.items():
                if not isinstance(value, str):
                    raise ValueError(f"the value of the setting {name!r} is text, not {value!r}")
                found = NAME.fullmatch(name)
                if found is None:
                    raise ValueError(f"a setting is named by its key, or as 'key[label]', not {name!r}")
                given: Setting = {"value": value}
                if kind == "references":
                    given = {"value": json.dumps({"uri": value}), "content_type": REFERENCE}
                self._store(found["key"], found["label"], given)

    @answers("GET", "/kv/<path:key>")
    def read_setting(self, request: ReceivedRequest) -> object:
        """Return a setting, or that it is as the client knows it."""
        setting = self._find(request)
        if setting is None:
            return Answer(404)
        if _is(request, "If-None-Match", setting):
            return Answer(304, headers={"ETag": f'"{setting["etag"]}"'})
        return _answer(setting)

    @answers("PUT", "/kv/<path:key>")
    def set_setting(self, request: ReceivedRequest) -> object:
        """Set a setting, if it is as the client expects it."""
        before = self._find(request)
        if refused := _precondition(request, before):
            return refused
        return _answer(self._store(request.parameters["key"], _label(request), request.json))

    @answers("DELETE", "/kv/<path:key>")
    def delete_setting(self, request: ReceivedRequest) -> object:
        """Delete a setting and return it."""
        before = self._find(request)
        if refused := _precondition(request, before):
            return refused
        if before is None:
            return Answer(204)
        key, label = before["key"], before["label"]
        self.stored = {each: setting for each, setting in self.stored.items() if each != (key, label)}
        for kind in self.contents:
            self.remove(kind, _name(key, label))
        return _answer(before)

    @answers("GET", "/kv")
    def list_settings(self, request: ReceivedRequest) -> object:
        """List the settings that fit filters of key and label."""
        keys = request.query.get("key", "*").split(",")
        labels = request.query.get("label", "*").split(",")
        items = [
            setting
            for (key, label), setting in sorted(self.stored.items(), key=lambda item: (item[0][0], item[0][1] or ""))
            if any(fnmatchcase(key, each) for each in keys)
            and any(fnmatchcase(label or NO_LABEL, each or NO_LABEL) for each in labels)
        ]
        tag = uuid.uuid5(uuid.NAMESPACE_URL, "".join(str(item["etag"]) for item in items)).hex
        headers = {"Content-Type": SETTINGS, "ETag": f'"{tag}"'}
        if request.headers.get("If-None-Match", "").strip('"') == tag:
            return Answer(304, headers={"ETag": f'"{tag}"'})
        return Answer(json={"items": items, "etag": tag}, headers=headers)

    @answers("GET", "/labels")
    def list_labels(self, request: ReceivedRequest) -> object:
        """List the labels that are in use."""
        return {"items": [{"name": label} for label in dict.fromkeys(label for _, label in self.stored)]}

    def _store(self, key: str, label: str | None, given: Setting) -> Setting:
        setting = {
            "etag": uuid.uuid4().hex,
            "key": key,
            "label": label,
            "content_type": given.get("content_type") or "",
            "value": given.get("value"),
            "last_modified": datetime.fromtimestamp(int(self.clock.now()), timezone.utc).isoformat(),
            "locked": False,
            "tags": given.get("tags") or {},
        }
        self.stored = {**self.stored, (key, label): setting}
        if setting["content_type"] == REFERENCE:
            self.put("references", _name(key, label), json.loads(str(setting["value"]))["uri"])
        else:
            self.put("settings", _name(key, label), setting["value"])
        return setting

    def _find(self, request: ReceivedRequest) -> Setting | None:
        return self.stored.get((request.parameters["key"], _label(request)))


def _label(request: ReceivedRequest) -> str | None:
    label = request.query.get("label", "")
    return None if label in ("", NO_LABEL) else label


def _name(key: str, label: str | None) -> str:
    return key if label is None else f"{key}[{label}]"


def _answer(setting: Setting) -> Answer:
    return Answer(json=setting, headers={"Content-Type": SETTING, "ETag": f'"{setting["etag"]}"'})


def _is(request: ReceivedRequest, header: str, setting: Setting | None) -> bool:
    """Tell whether a setting is the one that a header names."""
    tag = request.headers.get(header, "").strip('"')
    return setting is not None and tag in ("*", setting["etag"])


def _precondition(request: ReceivedRequest, setting: Setting | None) -> Answer | None:
    """Return the refusal of a change to a setting that is not as the client expects it."""
    unlike = "If-Match" in request.headers and not _is(request, "If-Match", setting)
    if unlike or ("If-None-Match" in request.headers and _is(request, "If-None-Match", setting)):
        return Answer(412)
    return None
