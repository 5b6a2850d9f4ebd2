// A service that keeps notes in Blob storage: PUT /<name> stores one, GET /<name> returns it.
import { buffer } from "node:stream/consumers";
import { createServer } from "node:http";

import { DefaultAzureCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";

export function notes() {
  const account = new BlobServiceClient("https://myaccount.blob.core.windows.net", new DefaultAzureCredential());
  const container = account.getContainerClient("notes");

  async function answer(request, response) {
    const blob = container.getBlockBlobClient(request.url.slice(1));
    if (request.method === "PUT") {
      await container.createIfNotExists();
      await blob.uploadData(await buffer(request));
      response.writeHead(201).end();
    } else if (await blob.exists()) {
      response.writeHead(200).end(await blob.downloadToBuffer());
    } else {
      response.writeHead(404).end();
    }
  }

  return createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(error.message));
  });
}
