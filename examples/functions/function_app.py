"""An app of Azure Functions: an HTTP trigger that tells the price of an article, with a key from Key Vault."""

import azure.functions as func
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

app = func.FunctionApp()


@app.route(route="price/{article}", auth_level=func.AuthLevel.ANONYMOUS)
def price(req: func.HttpRequest) -> func.HttpResponse:
    with DefaultAzureCredential() as credential, SecretClient("https://shop.vault.azure.net", credential) as secrets:
        discount = int(secrets.get_secret("discount").value)
    article = req.route_params["article"]
    return func.HttpResponse(f"{article}: {100 - discount}")


@app.timer_trigger(schedule="0 0 3 * * *", arg_name="timer")
def nightly(timer: func.TimerRequest) -> None:
    with DefaultAzureCredential() as credential, SecretClient("https://shop.vault.azure.net", credential) as secrets:
        secrets.set_secret("discount", "0")
