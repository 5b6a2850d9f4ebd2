// The service as its users meet it. `npm test` runs this in two environments of Azure, with Azurite as the storage.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { notes } from "./service.js";

const service = notes();
let url;

before(async () => {
  await new Promise((listening) => service.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${service.address().port}`;
});

after(() => service.close());

test("a note is kept", async () => {
  const stored = await fetch(`${url}/today`, { method: "PUT", body: "buy milk" });
  assert.equal(stored.status, 201, await stored.text());
  const note = await fetch(`${url}/today`);
  assert.equal(await note.text(), "buy milk");
});

test("a note that nobody wrote", async () => {
  assert.equal((await fetch(`${url}/tomorrow`)).status, 404);
});
