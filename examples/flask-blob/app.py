"""A Flask app that keeps the photos it is sent in Blob storage."""

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
from flask import Flask, request


def create_app(account_url="https://myaccount.blob.core.windows.net"):
    app = Flask(__name__)
    service = BlobServiceClient(account_url, credential=DefaultAzureCredential())
    photos = service.get_container_client("photos")

    @app.post("/photos/<name>")
    def upload(name):
        if not photos.exists():
            photos.create_container()
        photos.upload_blob(name, request.get_data(), overwrite=True)
        return {"stored": name}, 201

    @app.get("/photos")
    def index():
        return {"photos": sorted(photos.list_blob_names())} if photos.exists() else {"photos": []}

    return app
