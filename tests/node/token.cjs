// Gets a token with one credential of @azure/identity, as named on the command line, and prints what came of it.
// The credential and its settings arrive as JSON on standard input; the environment is the caller's.
const identity = require("@azure/identity");
const { readFileSync } = require("node:fs");

const { credential, parameters, options, scope } = JSON.parse(readFileSync(0, "utf8"));

function make() {
  if (credential === "ClientAssertionCredential") {
    const [tenantId, clientId, assertion] = parameters;
    return new identity.ClientAssertionCredential(tenantId, clientId, async () => assertion, options);
  }
  if (credential === "DeviceCodeCredential") {
    return new identity.DeviceCodeCredential({
      ...options,
      userPromptCallback: (info) => process.stderr.write(`${info.userCode}\n`),
    });
  }
  return new identity[credential](...parameters, options);
}

make()
  .getToken(scope)
  .then((token) => ({ token: token.token, expires: token.expiresOnTimestamp }))
  .catch((error) => ({ error: error.name, message: error.message }))
  .then((result) => process.stdout.write(JSON.stringify(result)));
