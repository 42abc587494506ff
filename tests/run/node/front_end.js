// People in browsers: clients of the official package, as pages make them, which do what lines of JSON on stdin say.
// {id, who, action, ...} is answered by {id, result} or {id, error}.
"use strict";
const readline = require("node:readline");
const { Client } = require("@twilio/conversations");

const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const people = new Map();

class Person {
  constructor(token) {
    this.client = new Client(token);
    this.heard = [];
    this.updates = [];
    this.client.on("messageAdded", (message) => this.heard.push(message));
    this.client.on("messageUpdated", ({ message, updateReasons }) => this.updates.push({ message, updateReasons }));
  }

  ready() {
    return new Promise((resolve, reject) => {
      this.client.on("initialized", resolve);
      this.client.on("initFailed", ({ error }) => reject(new Error(JSON.stringify(error))));
    });
  }

  async find(conversation, index) {
    const found = await this.client.getConversationBySid(conversation);
    return (await found.getMessages(1, index, "forward")).items[0];
  }
}

async function until(look) {
  for (const end = Date.now() + 30000; Date.now() < end; await new Promise((wake) => setTimeout(wake, 30))) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error("it did not come in 30 seconds");
}

const shown = (message) => ({ sid: message.sid, index: message.index, author: message.author, body: message.body });

const actions = {
  async login({ who, token }) {
    if (people.has(who)) return; // the page is open already
    people.set(who, new Person(token));
    await people.get(who).ready();
  },
  async send({ who, conversation, body }) {
    return (await people.get(who).client.getConversationBySid(conversation)).sendMessage(body);
  },
  async sendPicture({ who, conversation }) {
    const prepared = (await people.get(who).client.getConversationBySid(conversation)).prepareMessage();
    return prepared.addMedia({ contentType: "image/png", filename: "answer.png", media: PICTURE }).build().send();
  },
  async sendPdf({ who, conversation }) {
    const prepared = (await people.get(who).client.getConversationBySid(conversation)).prepareMessage();
    const media = Buffer.from("%PDF-1.7\n%%EOF\n");
    return prepared.addMedia({ contentType: "application/pdf", filename: "bill.pdf", media }).build().send();
  },
  async edit({ who, conversation, index, body }) {
    await (await people.get(who).find(conversation, index)).updateBody(body);
  },
  async hears({ who, conversation, body }) {
    const is = (message) => message.conversation.sid === conversation && message.body === body;
    const { client, heard } = people.get(who);
    return shown(await until(async () => {
      if (heard.some(is)) return heard.find(is);
      // what was there before the page looked for the first time is shown, and is no event
      return (await (await client.getConversationBySid(conversation)).getMessages(30)).items.find(is);
    }));
  },
  async seesUpdate({ who, conversation, reason }) {
    const is = ({ message, updateReasons }) => message.conversation.sid === conversation && updateReasons.includes(reason);
    return shown((await until(() => people.get(who).updates.find(is))).message);
  },
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const asked = JSON.parse(line);
  try {
    const result = await actions[asked.action](asked);
    process.stdout.write(`${JSON.stringify({ id: asked.id, result: result === undefined ? null : result })}\n`);
  } catch ({ message, status, code, body }) {
    process.stdout.write(`${JSON.stringify({ id: asked.id, error: { message, status, code, body } })}\n`);
  }
}).on("close", () => process.exit(0)); // clients keep timers for a while
