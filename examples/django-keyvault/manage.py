"""Django's command, with the whole project in one file: a page that greets with what Key Vault holds."""

import sys

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="of this example", DATABASES={})


def greeting(request):
    with DefaultAzureCredential() as credential, SecretClient("https://shop.vault.azure.net", credential) as secrets:
        return HttpResponse(secrets.get_secret("greeting").value)


urlpatterns = [path("", greeting)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
