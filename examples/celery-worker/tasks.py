"""A Celery app whose task signs a report with a key from Key Vault."""

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from celery import Celery

app = Celery("reports", broker="memory://", backend="cache+memory://")


@app.task
def sign(report):
    with DefaultAzureCredential() as credential, SecretClient("https://shop.vault.azure.net", credential) as secrets:
        return f"{report}, signed with {secrets.get_secret('key').value}"
