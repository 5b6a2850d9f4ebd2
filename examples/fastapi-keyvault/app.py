"""A FastAPI app whose database password is in Key Vault."""

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


@app.get("/health")
async def health(request: Request):
    password = await request.app.state.secrets.get_secret("database-password")
    return {"password-version": password.properties.version, "length": len(password.value)}
