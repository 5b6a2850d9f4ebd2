"""A Django project in one file, as many are: the credential and the client are made when the module is imported."""

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from django.http import HttpResponse
from django.urls import path

ROOT_URLCONF = __name__  # this module holds the settings as well
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "of this example"

secrets = SecretClient("https://shop.vault.azure.net", DefaultAzureCredential())


def greeting(request):
    return HttpResponse(secrets.get_secret("greeting").value)


urlpatterns = [path("", greeting)]
