"""Event Grid's stand-in: it keeps what is published, and hands it out to subscriptions of namespaces."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.event_grid.data import HOSTS, SETTLED, SUBSCRIPTION


class EventGrid(StandIn):
    """A topic or a namespace. `events` are all that were published; each subscription of a topic gets all of them."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"events": list}
    forgiving: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.topics: dict[str, tuple[Mapping[str, Any], ...]] = {}
        self.locks: dict[str, tuple[str, str, int]] = {}  # topic, subscription and number of an event, by lock token
        self.settled: frozenset[tuple[str, str, int]] = frozenset()

    @answers("POST", "/api/events")
    def publish(self, request: ReceivedRequest) -> object:
        """Take the events of a topic."""
        self.append("events", *_events(request))
        return Answer()

    @answers("POST", "/topics/<topic>:publish")
    def publish_to_namespace(self, request: ReceivedRequest) -> object:
        """Take the events of a topic in a namespace."""
        topic, events = request.parameters["topic"], _events(request)
        self.append("events", *events)
        self.topics = {**self.topics, topic: (*self.topics.get(topic, ()), *events)}
        return {}

    @answers("POST", f"{SUBSCRIPTION}:receive")
    def receive(self, request: ReceivedRequest) -> object:
        """Hand out events that are neither settled nor locked."""
        topic, subscription = request.parameters["topic"], request.parameters["subscription"]
        taken = {*self.settled, *self.locks.values()}
        due = [
            (number, event)
            for number, event in enumerate(self.topics.get(topic, ()))
            if (topic, subscription, number) not in taken
        ][: int(request.query.get("maxEvents", "1"))]
        value = []
        for number, event in due:
            token = uuid.uuid4().hex
            self.locks = {**self.locks, token: (topic, subscription, number)}
            value.append({"brokerProperties": {"lockToken": token, "deliveryCount": 1}, "event": event})
        return {"value": value}

    @answers("POST", f"{SUBSCRIPTION}:<verb>")
    def settle(self, request: ReceivedRequest) -> object:
        """Acknowledge, reject or release events, or renew their locks."""
        verb, tokens = request.parameters["verb"], request.json["lockTokens"]
        known = [token for token in tokens if token in self.locks]
        unknown = [token for token in tokens if token not in self.locks]
        if verb in SETTLED:
            self.settled = self.settled | {self.locks[token] for token in known}
        if verb != "renewLock":
            self.locks = {token: event for token, event in self.locks.items() if token not in known}
        error = {"code": "TokenLost", "message": "Token has expired or was never given."}
        failed = [{"lockToken": token, "error": error} for token in unknown]
        return {"succeededLockTokens": known, "failedLockTokens": failed}


def _events(request: ReceivedRequest) -> list[Mapping[str, Any]]:
    body = request.json
    return body if isinstance(body, list) else [body]
