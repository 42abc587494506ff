// Drives clients of the official package as lines of JSON on stdin ask: {id, name, action, ...} gives {id, result} or
// {id, error}. Nothing of the package is changed; only the address of its web socket is set.
"use strict";
const readline = require("node:readline");

const VERSION = process.argv[2];
const { Client } = require(VERSION);
const clients = new Map();

const CLIENT_EVENTS = [
  "conversationAdded", "conversationJoined", "conversationLeft", "conversationRemoved", "conversationUpdated",
  "participantJoined", "participantLeft", "participantUpdated", "messageAdded", "messageUpdated", "messageRemoved",
  "typingStarted", "typingEnded", "connectionStateChanged", "tokenAboutToExpire", "tokenExpired", "connectionError",
  "userUpdated",
];

const MEDIA = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

const message = (m) => ({ index: m.index, sid: m.sid, body: m.body, author: m.author, attributes: m.attributes,
  media: (m.attachedMedia || []).map((each) => [each.sid, each.contentType, each.filename, each.size]) });
const participant = (p) => ({ sid: p.sid, identity: p.identity, type: p.type, attributes: p.attributes,
  read: p.lastReadMessageIndex });

const reachability = (u) => ({ identity: u.identity, online: u.isOnline, notifiable: u.isNotifiable });

function told(event, value) {
  switch (event) {
    case "messageAdded": case "messageRemoved": return { ...message(value), conversation: value.conversation.sid };
    case "messageUpdated": return { ...message(value.message), reasons: value.updateReasons };
    case "participantJoined": case "participantLeft":
      return { ...participant(value), conversation: value.conversation.sid };
    case "participantUpdated": return { ...participant(value.participant), reasons: value.updateReasons };
    case "typingStarted": case "typingEnded": return { identity: value.identity };
    case "conversationUpdated": return { sid: value.conversation.sid, reasons: value.updateReasons };
    case "userUpdated": return { ...reachability(value.user), reasons: value.updateReasons };
    case "connectionStateChanged": return { state: value };
    case "connectionError": return { terminal: value.terminal, code: value.errorCode };
    default: return value && value.sid ? { sid: value.sid } : null;
  }
}

class Driven {
  constructor(client) {
    this.client = client;
    this.events = [];
    this.waiting = [];
    for (const event of CLIENT_EVENTS) {
      client.on(event, (value) => {
        this.events.push([event, told(event, value)]);
        this.waiting.splice(0).forEach((wake) => wake());
      });
    }
  }

  async until(event, wanted, seconds) {
    const fits = ([name, value]) => name === event
      && Object.entries(wanted).every(([key, each]) => JSON.stringify(value && value[key]) === JSON.stringify(each));
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const found = this.events.find(fits);
      if (found) return found[1];
      if (Date.now() > end) throw new Error(`no ${event} ${JSON.stringify(wanted)} in ${JSON.stringify(this.events)}`);
      await new Promise((wake) => { this.waiting.push(wake); setTimeout(wake, 100); });
    }
  }
}

async function all(first) {
  const found = [...first.items];
  let page = first;
  while (page.hasNextPage) { page = await page.nextPage(); found.push(...page.items); }
  return found;
}

async function allMessages(conversation, pageSize, anchor, direction) {
  const found = [];
  let page = await conversation.getMessages(pageSize, anchor, direction);
  const forward = direction === "forward";
  for (;;) {
    found.push(...(forward ? page.items : [...page.items].reverse()));
    if (forward ? !page.hasNextPage : !page.hasPrevPage) break;
    page = await (forward ? page.nextPage() : page.prevPage());
  }
  return forward ? found : found.reverse();
}

async function snapshot(client) {
  const conversations = await all(await client.getSubscribedConversations());
  const shown = await Promise.all(conversations.map(async (c) => ({
    sid: c.sid, name: c.friendlyName, unique: c.uniqueName, attributes: c.attributes, state: c.state && c.state.current,
    status: c.status, level: c.notificationLevel, read: c.lastReadMessageIndex, last: c.lastMessage && c.lastMessage.index,
    unread: await c.getUnreadMessagesCount(),
    messages: (await allMessages(c, 30)).map(message),
    participants: (await c.getParticipants()).map(participant).sort((a, b) => (a.sid < b.sid ? -1 : 1)),
  })));
  return shown.sort((a, b) => (a.sid < b.sid ? -1 : 1));
}

const actions = {
  async connect({ name, token, uri }) {
    const client = new Client(token, { Twilsock: { uri } });
    const driven = new Driven(client);
    clients.set(name, driven);
    await new Promise((resolve, reject) => {
      client.on("initialized", resolve);
      client.on("initFailed", ({ error }) => reject(new Error(`initFailed ${JSON.stringify(error)}`)));
    });
    return client.connectionState;
  },
  async until({ name, event, wanted, seconds }) { return clients.get(name).until(event, wanted || {}, seconds || 15); },
  async events({ name, event }) { return clients.get(name).events.filter((e) => e[0] === event).map((e) => e[1]); },
  async state({ name }) { return clients.get(name).client.connectionState; },
  async snapshot({ name }) { return snapshot(clients.get(name).client); },
  async create({ name, options }) { return (await clients.get(name).client.createConversation(options)).sid; },
  async join({ name, sid }) { await (await conversation(name, sid)).join(); },
  async leave({ name, sid }) { await (await conversation(name, sid)).leave(); },
  async add({ name, sid, identity }) { await (await conversation(name, sid)).add(identity); },
  async removeParticipant({ name, sid, identity }) { await (await conversation(name, sid)).removeParticipant(identity); },
  async send({ name, sid, body }) { return (await conversation(name, sid)).sendMessage(body); },
  async sendPicture({ name, sid, filename }) {
    const prepared = (await conversation(name, sid)).prepareMessage();
    return prepared.addMedia({ contentType: "image/png", filename, media: MEDIA }).build().send();
  },
  async fetchPicture({ name, sid, index }) {
    const [found] = (await (await conversation(name, sid)).getMessages(1, index, "forward")).items;
    const answer = await fetch(await found.attachedMedia[0].getContentTemporaryUrl());
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { same: bytes.equals(MEDIA), type: answer.headers.get("content-type") };
  },
  async edit({ name, sid, index, body }) {
    const [found] = (await (await conversation(name, sid)).getMessages(1, index, "forward")).items;
    await found.updateBody(body);
  },
  async remove({ name, sid, index }) {
    const [found] = (await (await conversation(name, sid)).getMessages(1, index, "forward")).items;
    await found.remove();
  },
  async typing({ name, sid }) { await (await conversation(name, sid)).typing(); },
  async read({ name, sid, index }) { return (await conversation(name, sid)).advanceLastReadMessageIndex(index); },
  async rename({ name, sid, to }) { await (await conversation(name, sid)).updateFriendlyName(to); },
  async byUniqueName({ name, unique }) { return (await clients.get(name).client.getConversationByUniqueName(unique)).sid; },
  async messages({ name, sid, pageSize, anchor, direction }) {
    return (await allMessages(await conversation(name, sid), pageSize, anchor, direction)).map((m) => m.index);
  },
  async updateToken({ name, token }) { await clients.get(name).client.updateToken(token); },
  async user({ name, identity }) {
    const found = await clients.get(name).client.getUser(identity);
    return { friendlyName: found.friendlyName, attributes: found.attributes };
  },
  async reachability({ name, identity }) {
    const { client } = clients.get(name);
    return { enabled: client.reachabilityEnabled, ...reachability(await client.getUser(identity)) };
  },
  async nameMyself({ name, to }) { await clients.get(name).client.user.updateFriendlyName(to); },
  async shutdown({ name }) { await clients.get(name).client.shutdown(); clients.delete(name); },
};

async function conversation(name, sid) { return clients.get(name).client.getConversationBySid(sid); }

// A reconnecting client rejects requests that nobody waits for (realtime-protocol.md §4.3); the test asks for results.
process.on("unhandledRejection", (error) => process.stderr.write(`unhandled ${error && error.message}\n`));

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const asked = JSON.parse(line);
  try {
    const result = await actions[asked.action](asked);
    process.stdout.write(`${JSON.stringify({ id: asked.id, result: result === undefined ? null : result })}\n`);
  } catch (error) {
    const { message: text, status, code, body } = error;
    process.stdout.write(`${JSON.stringify({ id: asked.id, error: { message: text, status, code, body } })}\n`);
  }
}).on("close", () => process.exit(0));
