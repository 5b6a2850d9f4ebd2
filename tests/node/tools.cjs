// Gets tokens with the developer tools' credentials of @azure/identity: one request a line, one answer a line, as JSON.
// Each request has its own credential, for the SDK remembers whether it has found PowerShell.
const { createInterface } = require("node:readline");

async function answer({ credential, scope, options, claims, tenantId }) {
  const identity = require("@azure/identity");
  try {
    const token = await new identity[credential](options).getToken(scope, { claims, tenantId });
    return { token: token.token, expires: token.expiresOnTimestamp / 1000 };
  } catch (error) {
    return { error: error.name, message: error.message };
  }
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  for (const file of Object.keys(require.cache)) if (file.includes("/@azure/identity/")) delete require.cache[file];
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\n");
});
