// What happens between the shop's people, its webhooks and the calendar.
"use strict";
const assert = require("node:assert/strict");
const { until, refusal } = require("./outside.js");

const HOUR = 3600 * 1000;

const sequences = {
  "12.5": async function chatAndTextsMeet(shop) {
    await shop.answerTexts("default");
    const customer = await shop.outside.phone();
    const talk = await shop.talk({ people: ["alice"], customer });
    await shop.login("alice");
    await shop.browsers.do("alice", "send", { conversation: talk.sid, body: "hello from alice" });
    const told = await shop.webhooks.event("onMessageAdded", { ConversationSid: talk.sid, Body: "hello from alice" });
    assert.deepEqual([told.Source, told.ClientIdentity, told.Author], ["SDK", "alice", "alice"]);
    await shop.outside.receives(customer, "hello from alice");
    const [said] = await talk.messages.list();
    const statuses = async () => (await talk.messages(said.sid).deliveryReceipts.list()).map((one) => one.status).join();
    await until(async () => (await statuses()) === "delivered", "delivery");
    await shop.outside.text(customer, shop.number, "hello alice");
    const heard = await shop.browsers.do("alice", "hears", { conversation: talk.sid, body: "hello alice" });
    assert.equal(heard.author, customer);
    assert.equal((await talk.messages(heard.sid).fetch()).delivery, null);
    assert.deepEqual(await talk.messages(heard.sid).deliveryReceipts.list(), []);
    const stranger = await talk.messages.create({ author: "bob", body: "this is bob" });
    assert.equal(stranger.participantSid, null);
    await shop.outside.receives(customer, "this is bob");
    await shop.browsers.do("alice", "hears", { conversation: talk.sid, body: "this is bob" });
    assert.equal((await shop.outside.inbox(customer)).length, 2);
    const leaving = (await talk.participants.list()).find((one) => one.identity === null);
    await talk.participants(leaving.sid).remove();
    await shop.outside.text(customer, shop.number, "anybody?");
    const fresh = await until(() => shop.openConversationOf(customer), "a new conversation");
    assert.notEqual(fresh.conversationSid, talk.sid);
  },

  "12.7": async function aWebhookRefusesAndChangesWhatIsSaid(shop) {
    const talk = await shop.talk({ people: ["alice"] });
    await shop.login("alice");
    shop.webhooks.answers.onMessageAdd = [403, {}];
    const refused = await refusal(shop.browsers.do("alice", "send", { conversation: talk.sid, body: "a bad word" }));
    assert.match(refused.message, /50056/);
    const asked = await shop.webhooks.event("onMessageAdd", { ConversationSid: talk.sid });
    assert.equal(asked.Body, "a bad word");
    assert.ok(!("MessageSid" in asked) && !("Index" in asked));
    assert.deepEqual(await talk.messages.list(), []);
    shop.webhooks.answers.onMessageAdd = [200, { body: "***" }];
    await shop.browsers.do("alice", "send", { conversation: talk.sid, body: "another bad word" });
    delete shop.webhooks.answers.onMessageAdd;
    const kept = await talk.messages.list();
    assert.deepEqual(kept.map(({ index, body }) => [index, body]), [[0, "***"]]);
    await shop.webhooks.event("onMessageAdded", { ConversationSid: talk.sid, Body: "***" });
    assert.equal(shop.webhooks.events("onMessageAdded", { ConversationSid: talk.sid }).length, 1);
    shop.webhooks.answers.onMessageAdd = null;
    const began = Date.now();
    await shop.browsers.do("alice", "send", { conversation: talk.sid, body: "into the silence" });
    const silent = (Date.now() - began) / 1000;
    assert.ok(silent > 4.5 && silent < 9.5, `${silent} s`);
    delete shop.webhooks.answers.onMessageAdd;
    assert.deepEqual(await shop.bodies(talk.sid), ["***", "into the silence"]);
    await shop.webhooks.event("onMessageAdded", { ConversationSid: talk.sid, Body: "into the silence" });
  },

  "12.8": async function aMessageIsEdited(shop) {
    const customer = await shop.outside.phone();
    const talk = await shop.talk({ people: ["alice"], customer });
    await shop.login("alice");
    const mute = await shop.service.roles.create({ friendlyName: "no edits", type: "conversation", permission: ["sendMessage"] });
    const member = (await talk.participants.list()).find((one) => one.identity === "alice");
    await talk.participants(member.sid).update({ roleSid: mute.sid });
    const index = await shop.browsers.do("alice", "send", { conversation: talk.sid, body: "helo" });
    const [before] = await talk.messages.list();
    const edit = { conversation: talk.sid, index, body: "hello" };
    assert.match((await refusal(shop.browsers.do("alice", "edit", edit))).message, /50107/);
    await shop.service.roles(mute.sid).update({ permission: ["sendMessage", "editOwnMessage"] });
    await shop.browsers.do("alice", "edit", edit);
    const asked = await shop.webhooks.event("onMessageUpdate", { MessageSid: before.sid });
    assert.deepEqual([asked.Index, asked.Body], [String(index), "hello"]);
    await shop.webhooks.event("onMessageUpdated", { MessageSid: before.sid, Body: "hello" });
    await shop.browsers.do("alice", "seesUpdate", { conversation: talk.sid, reason: "body" });
    const [after] = await talk.messages.list();
    assert.deepEqual([after.sid, after.index, after.body], [before.sid, before.index, "hello"]);
    assert.ok(after.dateUpdated >= before.dateUpdated);
    await shop.outside.receives(customer, "helo");
    assert.deepEqual((await shop.outside.inbox(customer)).map((one) => one.body), ["helo"]);
  },

  "12.6": async function timeClosesAConversation(shop) {
    await shop.answerTexts("default");
    const customer = await shop.outside.phone();
    const talk = await shop.talk({ customer, "timers.inactive": "PT1H", "timers.closed": "P1D" });
    const dates = async () => {
      const { timers } = await talk.fetch();
      return [Date.parse(timers.date_inactive), Date.parse(timers.date_closed)];
    };
    const [inactive, closed] = await dates();
    assert.equal(closed - inactive, 23 * HOUR);
    await shop.outside.wait(1800);
    await talk.messages.create({ author: "shop", body: "are you there?" });
    assert.deepEqual(await dates(), [inactive + HOUR / 2, closed + HOUR / 2]);
    await shop.outside.wait(3601);
    await until(async () => (await talk.fetch()).state === "inactive", "inactive");
    const parked = await shop.webhooks.event("onConversationStateUpdated", { ConversationSid: talk.sid });
    assert.deepEqual([parked.StateFrom, parked.StateTo, parked.Reason], ["active", "inactive", "TIMER"]);
    await shop.outside.wait(23 * 3600);
    await until(async () => (await talk.fetch()).state === "closed", "closed");
    const ended = await shop.webhooks.event("onConversationStateUpdated", { ConversationSid: talk.sid, StateTo: "closed" });
    assert.deepEqual([ended.StateFrom, ended.Reason], ["inactive", "TIMER"]);
    for (const write of [() => talk.messages.create({ body: "late" }), () => talk.update({ attributes: "{}" })]) {
      const refused = await refusal(write());
      assert.deepEqual([refused.status, refused.code], [400, 50377]);
    }
    await shop.outside.text(customer, shop.number, "here I am");
    const fresh = await until(() => shop.openConversationOf(customer), "a new conversation");
    assert.notEqual(fresh.conversationSid, talk.sid);
  },
};

module.exports = { sequences };
