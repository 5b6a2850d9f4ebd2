// Calls one method of a client application of @azure/msal-node, as named on the command line, and prints what came of it.
// Everything arrives as JSON in the first line of standard input; a device code's user code is printed to standard error.
const msal = require("@azure/msal-node");
const { createInterface } = require("node:readline");

async function call({ application, configuration, method, request }) {
  const client = new msal[application](configuration);
  if (method === "acquireTokenByDeviceCode") {
    request.deviceCodeCallback = (response) => process.stderr.write(`${response.userCode}\n`);
  }
  const result = await client[method](request);
  const accounts = await client.getTokenCache().getAllAccounts();
  const silent = accounts.length
    ? await client.acquireTokenSilent({ account: accounts[0], scopes: request.scopes, forceRefresh: true })
    : undefined;
  return {
    accessToken: result.accessToken,
    username: result.account?.username,
    refreshed: silent?.accessToken,
    fromCache: result.fromCache,
  };
}

createInterface({ input: process.stdin }).once("line", (line) => {
  call(JSON.parse(line))
    .catch((error) => ({ error: error.errorCode, message: error.message }))
    .then((result) => {
      process.stdout.write(JSON.stringify(result));
      process.stdin.destroy();
    });
});
