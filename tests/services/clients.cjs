// Calls one client of the Azure SDK with DefaultAzureCredential and prints what came of it: clients.cjs CLIENT URL
const { DefaultAzureCredential } = require("@azure/identity");

const [client, url] = process.argv.slice(2);
const credential = new DefaultAzureCredential();
const options = { retryOptions: { maxRetries: 0, maxTries: 1 } };

const CLIENTS = {
  async blob() {
    const { BlobServiceClient } = require("@azure/storage-blob");
    const blob = new BlobServiceClient(url, credential, options).getContainerClient("files").getBlobClient("today");
    const exists = await blob.exists();
    return `${exists} ${await blob.downloadToBuffer()}`;
  },
  async key() {
    const { KeyClient } = require("@azure/keyvault-keys");
    return (await new KeyClient(url, credential, options).getKey("signing")).keyType;
  },
};

CLIENTS[client]()
  .then((result) => ({ result }))
  .catch((error) => ({ error: error.name, message: error.message, status: error.statusCode, code: error.code }))
  .then((shown) => process.stdout.write(JSON.stringify(shown)));
