"""A helper that asks a model of Azure OpenAI, as an identity and without an API key."""

from azure.identity import DefaultAzureCredential, get_bearer_token_provider
from openai import AzureOpenAI


def client():
    return AzureOpenAI(
        azure_endpoint="https://shop.openai.azure.com",
        azure_ad_token_provider=get_bearer_token_provider(
            DefaultAzureCredential(), "https://cognitiveservices.azure.com/.default"
        ),
        api_version="2024-10-21",
    )


def ask(question):
    messages = [{"role": "user", "content": question}]
    completion = client().chat.completions.create(model="gpt", messages=messages)
    return completion.choices[0].message.content


def ask_slowly(question):
    """Yield the answer word by word."""
    messages = [{"role": "user", "content": question}]
    for chunk in client().chat.completions.create(model="gpt", messages=messages, stream=True):
        if chunk.choices and chunk.choices[0].delta.content:
            yield chunk.choices[0].delta.content
