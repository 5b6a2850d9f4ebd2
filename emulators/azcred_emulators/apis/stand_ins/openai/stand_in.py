"""Azure OpenAI's stand-in: it gives the replies that a test has set, one after the other."""

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.openai.data import BY_DEPLOYMENT, BY_MODEL, DONE, FINGERPRINT, HOSTS

Message = Mapping[str, Any]


class OpenAI(StandIn):
    """A resource of Azure OpenAI. `replies` are texts, or messages such as one that calls a tool; the last repeats."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"replies": list}
    forgiving: ClassVar[bool] = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.given: int = 0  # replies

    def fill(self, **content: Any) -> None:
        """Add replies; raises ValueError for one that is neither text nor a message."""
        for reply in content.get("replies", ()):
            if not isinstance(reply, str | Mapping):
                raise ValueError(f"a reply is text, or a table with the fields of a message, not {reply!r}")
        super().fill(**content)

    @answers("POST", BY_DEPLOYMENT)
    @answers("POST", BY_MODEL)
    def complete(self, request: ReceivedRequest) -> object:
        """Return the next reply, or stream it word by word."""
        replies = self.content["replies"]
        if not replies:
            return self.error(400, "NoReply", 'The test has set no reply: fill(replies=["Hello"])')
        reply = replies[min(self.given, len(replies) - 1)]
        self.given += 1
        message: Message = {"role": "assistant", **({"content": reply} if isinstance(reply, str) else reply)}
        asked = request.json
        about = {
            "id": f"chatcmpl-{uuid.uuid4().hex[:20]}",
            "created": int(self.clock.now()),
            "model": asked.get("model") or request.parameters.get("deployment"),
            **FINGERPRINT,
        }
        if asked.get("stream"):
            return Answer(events=list(_chunks(about, message)))
        choice = {"index": 0, "message": message, "finish_reason": _reason(message), "logprobs": None}
        used = _words(asked.get("messages")), _words(message.get("content"))
        usage = {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)}
        return {**about, "object": "chat.completion", "choices": [choice], "usage": usage}


def _chunks(about: Mapping[str, object], message: Message) -> Iterator[object]:
    """Yield the events of a streamed reply."""
    text = message.get("content") or ""
    rest = {name: value for name, value in message.items() if name != "content"}
    if "tool_calls" in rest:
        rest["tool_calls"] = [{"index": number, **call} for number, call in enumerate(rest["tool_calls"])]
    deltas: list[Message] = [{"content": "", **rest}, *({"content": word} for word in re.findall(r"\S+\s*|\s+", text))]
    for delta in deltas:
        yield _chunk(about, delta, None)
    yield _chunk(about, {}, _reason(message))
    yield DONE


def _chunk(about: Mapping[str, object], delta: Message, reason: str | None) -> Mapping[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {**about, "object": "chat.completion.chunk", "choices": [choice]}


def _reason(message: Message) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _words(value: object) -> int:
    """Return how many words there are in a text, or in the texts of messages: about as many as tokens."""
    if isinstance(value, str):
        return len(value.split())
    return (
        sum(_words(each.get("content")) for each in value if isinstance(each, Mapping))
        if isinstance(value, list)
        else 0
    )
