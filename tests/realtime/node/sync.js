// The Sync client of the agent desktop's second socket (twilio-sync 2.0.1, event protocol 3), unmodified.
"use strict";
const { SyncClient } = require("sync-2");

const [url, token, map, document, list] = process.argv.slice(2);

(async () => {
  const client = new SyncClient(token, { Twilsock: { uri: `${url.replace("http", "ws")}/tsock/v3/wsconnect` },
    cdsUri: "https://cds.us1.twilio.com" });
  const opened = await client.map({ id: map, mode: "open_existing" });
  const first = (await opened.get("friendlyName")).data;
  const messages = await client.list({ id: list, mode: "open_existing" });
  const shown = await client.document({ id: document, mode: "open_existing" });
  const seen = { first, name: shown.data.friendlyName };
  const updated = new Promise((resolve) => opened.on("itemUpdated", ({ item }) => item.key === "friendlyName" && resolve(item.data)));
  const added = new Promise((resolve) => messages.on("itemAdded", ({ item }) => resolve([item.index, item.data.text])));
  const renamed = new Promise((resolve) => shown.on("updated", ({ data }) => data.friendlyName === "New" && resolve(data)));
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  process.stdout.write(`${JSON.stringify({ updated: await updated, added: await added, renamed: (await renamed).friendlyName })}\n`);
  process.exit(0);
})().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });
