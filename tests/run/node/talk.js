// As the vendor's documentation shows it: credentials from the environment, no address of anything.
"use strict";
const twilio = require(process.argv[2]);

async function main() {
  const client = twilio(process.env.TWILIO_ACCOUNT_SID, process.env.TWILIO_AUTH_TOKEN);
  const made = await client.conversations.v1.conversations.create({ friendlyName: "From my own program" });
  const conversation = client.conversations.v1.conversations(made.sid);
  for (const body of ["one", "two", "three"]) await conversation.messages.create({ author: "alice", body });
  const messages = await conversation.messages.list({ pageSize: 2 });
  console.log(JSON.stringify({ sid: made.sid, url: made.url, bodies: messages.map((each) => each.body) }));
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
