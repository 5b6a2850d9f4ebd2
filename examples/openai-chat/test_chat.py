"""The model is a resource at its real address: it checks the tokens, and answers what the test has set."""

import json

import chat
import openai
import pytest

PATH = "/openai/deployments/gpt/chat/completions"
COMPLETION = {"id": "1", "created": 1, "model": "gpt", "object": "chat.completion"}


@pytest.fixture
def model(azcred):
    return azcred.resource("https://shop.openai.azure.com")


@pytest.mark.azcred("app-service", "developer-azure-cli")
def test_an_answer(azcred, model):
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "42"}}
    model.answer("POST", PATH, json={**COMPLETION, "choices": [choice]})
    assert chat.ask("What do you get if you multiply six by nine?") == "42"
    azcred.journal.assert_tokens(resource="https://cognitiveservices.azure.com", times=1)


@pytest.mark.azcred("app-service")
def test_an_answer_word_by_word(azcred, model):
    """A streamed answer is text of server-sent events; it arrives whole."""
    chunks = [
        {**COMPLETION, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": word}}]}
        for word in ("forty", "-", "two")
    ]
    events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    model.answer("POST", PATH, data=events, headers={"Content-Type": "text/event-stream"})
    assert list(chat.ask_slowly("Once more?")) == ["forty", "-", "two"]


@pytest.mark.azcred("app-service")
def test_a_model_that_is_not_deployed(azcred, model):
    missing = {"error": {"code": "DeploymentNotFound", "message": "There is no such deployment."}}
    model.answer("POST", PATH, status=404, json=missing)
    with pytest.raises(openai.NotFoundError, match="There is no such deployment"):
        chat.ask("Is anybody there?")
