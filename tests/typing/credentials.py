"""What type checkers must accept of the credentials. It is checked with the rest, and never run."""

from __future__ import annotations

import azure.identity
import azure.identity.aio
from azure.core.credentials import AccessToken, AccessTokenInfo, SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncSecretClient
from azure.storage.blob import BlobServiceClient
from azure.storage.blob.aio import BlobServiceClient as AsyncBlobServiceClient

from pytest_azcred import credentials
from pytest_azcred.credentials import aio

SYNCHRONOUS = (
    credentials.AzureCliCredential,
    credentials.AzureDeveloperCliCredential,
    credentials.AzurePipelinesCredential,
    credentials.AzurePowerShellCredential,
    credentials.CertificateCredential,
    credentials.ChainedTokenCredential,
    credentials.ClientAssertionCredential,
    credentials.ClientSecretCredential,
    credentials.DefaultAzureCredential,
    credentials.DeviceCodeCredential,
    credentials.EnvironmentCredential,
    credentials.InteractiveBrowserCredential,
    credentials.ManagedIdentityCredential,
    credentials.OnBehalfOfCredential,
    credentials.UsernamePasswordCredential,
    credentials.WorkloadIdentityCredential,
)
ASYNCHRONOUS = (
    aio.AzureCliCredential,
    aio.AzureDeveloperCliCredential,
    aio.AzurePipelinesCredential,
    aio.AzurePowerShellCredential,
    aio.CertificateCredential,
    aio.ChainedTokenCredential,
    aio.ClientAssertionCredential,
    aio.ClientSecretCredential,
    aio.DefaultAzureCredential,
    aio.DeviceCodeCredential,
    aio.EnvironmentCredential,
    aio.InteractiveBrowserCredential,
    aio.ManagedIdentityCredential,
    aio.OnBehalfOfCredential,
    aio.UsernamePasswordCredential,
    aio.WorkloadIdentityCredential,
)

TOKEN: tuple[type[TokenCredential], ...] = SYNCHRONOUS
TOKEN_INFO: tuple[type[SupportsTokenInfo], ...] = SYNCHRONOUS
ASYNC_TOKEN: tuple[type[AsyncTokenCredential], ...] = ASYNCHRONOUS
ASYNC_TOKEN_INFO: tuple[type[AsyncSupportsTokenInfo], ...] = ASYNCHRONOUS


def sync(credential: credentials.DefaultAzureCredential) -> None:
    """The clients of the Azure SDK take them, and so do the chains of either library."""
    token: AccessToken = credential.get_token("scope", enable_cae=True)
    info: AccessTokenInfo = credential.get_token_info("scope", options={"claims": "{}"})
    selected: str | None = credential.selected
    print(token, info, selected, credential.explain("scope").attempts[0].remedy)
    SecretClient("https://vault", credential)
    BlobServiceClient("https://account", credential=credential)
    azure.identity.ChainedTokenCredential(credential)
    credentials.ChainedTokenCredential(credential, azure.identity.AzureCliCredential())


async def asynchronous(tenant: str) -> None:
    """So do the asynchronous ones; what their constructors take is known."""
    async with aio.ClientSecretCredential(tenant, "client", "secret", authority="https://login.example") as credential:
        token: AccessToken = await credential.get_token("scope", tenant_id=tenant)
        info: AccessTokenInfo = await credential.get_token_info("scope", options={"enable_cae": True})
        print(token, info)
        AsyncSecretClient("https://vault", credential)
        AsyncBlobServiceClient("https://account", credential=credential)
        azure.identity.aio.ChainedTokenCredential(credential)
        aio.ChainedTokenCredential(credential, azure.identity.aio.AzureCliCredential())
    aio.ClientSecretCredential(tenant)  # type: ignore[call-arg]  # the others are missing
    aio.ClientSecretCredential(tenant, "client", 1)  # type: ignore[arg-type]  # a secret is text
    explanation = await aio.DefaultAzureCredential().explain("scope")
    print(explanation.selected, explanation.elapsed)
