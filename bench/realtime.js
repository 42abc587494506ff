// Two clients of the unmodified SDK in one conversation: milliseconds from sendMessage to the other's messageAdded.
// The floor: the same process posts the same body to the floor's server. Arguments: JSON. Prints JSON.
"use strict";
const given = JSON.parse(process.argv[2]);
const { Client } = require(given.version);

async function client(token) {
  const made = new Client(token, { Twilsock: { uri: given.uri } });
  await new Promise((resolve, reject) => { made.on("initialized", resolve); made.on("initFailed", reject); });
  return made;
}

async function sends(sender, reader, sid, count) {
  const conversation = await sender.getConversationBySid(sid);
  await (await reader.getConversationBySid(sid)).getMessages(1);
  const taken = [];
  for (let number = 0; number < count; number += 1) {
    const body = `hello you ${number} `.padEnd(60, "x");
    const heard = new Promise((resolve) => {
      const hear = (message) => { if (message.body === body) { reader.off("messageAdded", hear); resolve(); } };
      reader.on("messageAdded", hear);
    });
    const began = performance.now();
    const sent = conversation.sendMessage(body);
    await heard;
    taken.push(performance.now() - began);
    await sent;
  }
  return taken;
}

async function posts(count) {
  const taken = [];
  for (let number = 0; number < count; number += 1) {
    const began = performance.now();
    await (await fetch(given.floor, { method: "POST", body: "hello you ".padEnd(60, "x") })).text();
    taken.push(performance.now() - began);
  }
  return taken;
}

(async () => {
  const [ana, ben] = [await client(given.ana), await client(given.ben)];
  await sends(ana, ben, given.sid, 50);
  await posts(50);
  const ours = await sends(ana, ben, given.sid, given.count);
  const floor = await posts(given.count);
  process.stdout.write(JSON.stringify({ ours, floor }));
  process.exit(0);
})().catch((error) => { process.stderr.write(`${error.stack || JSON.stringify(error)}\n`); process.exit(1); });
