"""A FastAPI app that shows the word of the day, which is in Key Vault."""

from contextlib import asynccontextmanager

from azure.identity.aio import DefaultAzureCredential
from azure.keyvault.secrets.aio import SecretClient
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app):
    async with (
        DefaultAzureCredential() as credential,
        SecretClient("https://shop.vault.azure.net", credential) as secrets,
    ):
        app.state.secrets = secrets
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/word")
async def word(request: Request):
    return (await request.app.state.secrets.get_secret("word")).value
