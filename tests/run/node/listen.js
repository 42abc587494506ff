// A client as the vendor's documentation shows it: a token and nothing else. It waits for a message and answers it.
"use strict";
const { Client } = require("@twilio/conversations");

const client = new Client(process.argv[2]);
client.on("connectionError", (error) => console.error("connectionError", JSON.stringify(error)));
client.on("initFailed", ({ error }) => { console.error("initFailed", JSON.stringify(error)); process.exit(1); });
client.on("messageAdded", async (message) => {
  if (message.author === client.user.identity) return;
  await message.conversation.sendMessage(`heard ${message.body}`);
  console.log(JSON.stringify({ heard: message.body }));
  await client.shutdown();
  process.exit(0); // the client keeps a timer for a while
});
client.on("conversationJoined", async (conversation) => {
  await conversation.getMessagesCount();
  console.log(JSON.stringify({ ready: client.user.identity }));
});
