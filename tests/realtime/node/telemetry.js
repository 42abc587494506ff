// The socket of the agent desktop's telemetry (twilsock 0.13.5), unmodified: a request upstream, a new token.
"use strict";
const { TwilsockClient } = require("twilsock-13");

const [url, token, renewed] = process.argv.slice(2);

(async () => {
  const client = new TwilsockClient(token, "flex_insights", { twilsock: { uri: `${url.replace("http", "ws")}/tsock/v3/wsconnect` } });
  const connected = new Promise((resolve) => client.on("connected", resolve));
  client.connect();
  await connected;
  const answer = await client.post("https://flex-sdk.twilio.com/v1/Telemetry/Events",
    { "Content-Type": "application/json" }, { events: [{ name: "started" }] }, "flex_insights");
  await client.updateToken(renewed);
  process.stdout.write(`${JSON.stringify({ status: answer.status.code, body: answer.body, state: client.state })}\n`);
  await client.disconnect();
  process.exit(0);
})().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });
