"""The real client of Azure OpenAI gets completions of chats, whole and streamed."""

from __future__ import annotations

import asyncio
from typing import Any

import azure.identity
import azure.identity.aio
import pytest

from azcred_emulators.apis.protected_resource import ProtectedResource
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")
SCOPE = "https://cognitiveservices.azure.com/.default"
ASKED: Any = [{"role": "user", "content": "Is there any tea?"}]


@pytest.fixture
def model(azcred: Azcred) -> ProtectedResource:
    """A resource with two replies."""
    return azcred.resource("https://shop.openai.azure.com").fill(replies=["There is some tea.", "No more."])


def options(provider: Any, model: ProtectedResource) -> dict[str, Any]:
    """Return the arguments of a client."""
    return {
        "azure_endpoint": model.url,
        "azure_ad_token_provider": provider,
        "api_version": "2024-10-21",
        "max_retries": 0,
    }


def test_completions(model: ProtectedResource, place: Place) -> None:
    """The replies come one after the other, the last one repeats; a stream comes word by word."""
    openai = sdk("openai", "openai")
    provider = azure.identity.get_bearer_token_provider(azure.identity.DefaultAzureCredential(), SCOPE)
    with openai.AzureOpenAI(**options(provider, model)) as client:
        stream = client.chat.completions.create(model="gpt", messages=ASKED, stream=True)
        words = [chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content]
        assert words == ["There ", "is ", "some ", "tea."]
        for _ in range(2):
            completion = client.chat.completions.create(model="gpt", messages=ASKED)
            assert completion.choices[0].message.content == "No more."
        assert completion.usage.prompt_tokens == 4
    assert model.requests[-1].path == "/openai/deployments/gpt/chat/completions"
    assert model.requests[-1].json["messages"] == ASKED
    assert model.requests[-1].identity == place.identity.name
    assert place.requests()[-1].resource == "https://cognitiveservices.azure.com"


def test_completions_with_asyncio(model: ProtectedResource, place: Place) -> None:
    """The same client's other half."""
    openai = sdk("openai", "openai")

    async def reply() -> tuple[str, str]:
        async with azure.identity.aio.DefaultAzureCredential() as credential:
            provider = azure.identity.aio.get_bearer_token_provider(credential, SCOPE)
            async with openai.AsyncAzureOpenAI(**options(provider, model)) as client:
                stream = await client.chat.completions.create(model="gpt", messages=ASKED, stream=True)
                words = [chunk.choices[0].delta.content or "" async for chunk in stream]
                whole = await client.chat.completions.create(model="gpt", messages=ASKED)
                return "".join(words), whole.choices[0].message.content

    assert asyncio.run(reply()) == ("There is some tea.", "No more.")


def test_the_endpoint_of_version_1(model: ProtectedResource, place: Place) -> None:
    """With a token for ai.azure.com, and a reply that calls a tool."""
    openai = sdk("openai", "openai")
    call = {"id": "1", "type": "function", "function": {"name": "stock", "arguments": "{}"}}
    tools = model.fill(replies=[{"content": None, "tool_calls": [call]}])
    provider = azure.identity.get_bearer_token_provider(
        azure.identity.DefaultAzureCredential(), "https://ai.azure.com/.default"
    )
    with openai.OpenAI(base_url=f"{tools.url}/openai/v1/", api_key=provider, max_retries=0) as client:
        for _ in range(3):
            message = client.chat.completions.create(model="gpt", messages=ASKED).choices[0]
        assert (message.finish_reason, message.message.tool_calls[0].function.name) == ("tool_calls", "stock")
        stream = client.chat.completions.create(model="gpt", messages=ASKED, stream=True)
        assert [chunk.choices[0].finish_reason for chunk in stream][-1] == "tool_calls"


def test_another_identity(model: ProtectedResource, place: Place) -> None:
    """Without the role "Cognitive Services OpenAI User"."""
    openai = sdk("openai", "openai")
    model.allow("dana@contoso.com")
    provider = azure.identity.get_bearer_token_provider(azure.identity.DefaultAzureCredential(), SCOPE)
    with (
        openai.AzureOpenAI(**options(provider, model)) as client,
        pytest.raises(openai.PermissionDeniedError, match="has no role"),
    ):
        client.chat.completions.create(model="gpt", messages=ASKED)


def test_no_reply(azcred: Azcred, place: Place) -> None:
    """Is an error that says what to do; what is no reply is refused where the test sets it."""
    openai = sdk("openai", "openai")
    model = azcred.resource("https://shop.openai.azure.com")
    with pytest.raises(ValueError, match="a reply is text, or a table with the fields of a message, not 5"):
        model.fill(replies=[5])
    provider = azure.identity.get_bearer_token_provider(azure.identity.DefaultAzureCredential(), SCOPE)
    with (
        openai.AzureOpenAI(**options(provider, model)) as client,
        pytest.raises(openai.BadRequestError, match="The test has set no reply"),
    ):
        client.chat.completions.create(model="gpt", messages=ASKED)
