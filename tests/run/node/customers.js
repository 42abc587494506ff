// What happens between customers' telephones and the shop.
"use strict";
const assert = require("node:assert/strict");
const { until, refusal } = require("./outside.js");
const { Desk } = require("./shop.js");

const PICTURE = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"; // a GIF
// A flow that greets, and hands over to the people of a workflow.
const flowTo = (workflow) => ({
  description: "Greets and hands over",
  states: [
    {
      name: "Trigger",
      type: "trigger",
      transitions: [
        { event: "incomingMessage" }, { event: "incomingCall" },
        { event: "incomingConversationMessage", next: "greet" },
        { event: "incomingRequest" }, { event: "incomingParent" },
      ],
      properties: { offset: { x: 0, y: 0 } },
    },
    {
      name: "greet",
      type: "send-and-wait-for-reply",
      transitions: [
        { event: "incomingMessage", next: "hand_over" }, { event: "timeout" }, { event: "deliveryFailure" },
      ],
      properties: {
        offset: { x: 0, y: 100 },
        service: "{{trigger.conversation.InstanceSid}}",
        channel: "{{trigger.conversation.ChannelSid}}",
        from: "{{flow.channel.address}}",
        timeout: "3600",
        body: "Welcome! You wrote: {{trigger.conversation.Body}}",
      },
    },
    {
      name: "hand_over",
      type: "send-to-flex",
      transitions: [{ event: "callComplete" }, { event: "failedToEnqueue" }, { event: "callFailure" }],
      properties: {
        offset: { x: 0, y: 200 }, workflow, channel: "chat",
        attributes: '{"wrote": "{{trigger.conversation.Body}}", "wants": "{{widgets.greet.inbound.Body}}"}',
      },
    },
  ],
  initial_state: "Trigger",
  flags: { allow_concurrent_calls: true },
});

const sequences = {
  "12.1": async function aFirstTextMakesAConversation(shop) {
    const desk = await new Desk(shop).open();
    const definition = flowTo(desk.workflowSid);
    const flow = await shop.client.studio.v2.flows.create({ friendlyName: "Greeter", status: "published", definition });
    await shop.answerTexts("studio", { "autoCreation.studioFlowSid": flow.sid, "autoCreation.studioRetryCount": 3 });
    const customer = await shop.outside.phone();
    await shop.outside.text(customer, shop.number, "hello shop");
    const { conversationSid: sid } = await until(() => shop.openConversationOf(customer), "a conversation");
    const asked = await shop.webhooks.event("onConversationAdd", { MessageBody: "hello shop" });
    assert.equal(asked["MessagingBinding.Address"], customer);
    assert.equal(asked["MessagingBinding.ProxyAddress"], shop.number);
    assert.ok(!("ConversationSid" in asked));
    await shop.webhooks.event("onMessageAdded", { ConversationSid: sid, Body: "hello shop" });
    const told = shop.webhooks.heard.filter((one) => one.ConversationSid === sid).map((one) => one.EventType);
    assert.deepEqual(told.slice(0, 3), ["onConversationAdded", "onParticipantAdded", "onMessageAdded"]);
    const conversation = await shop.conversation(sid).fetch();
    assert.deepEqual([conversation.state, conversation.attributes], ["active", "{}"]);
    const [participant, ...others] = await shop.conversation(sid).participants.list();
    assert.deepEqual([participant.identity, others.length], [null, 0]);
    assert.deepEqual(participant.messagingBinding, { type: "sms", address: customer, proxy_address: shop.number });
    const [first] = await shop.conversation(sid).messages.list();
    assert.deepEqual([first.index, first.author, first.participantSid], [0, customer, participant.sid]);
    assert.equal(first.delivery, null);
    const [hook] = await shop.conversation(sid).webhooks.list();
    assert.deepEqual([hook.target, hook.configuration.flow_sid], ["studio", flow.sid]);
    await shop.outside.receives(customer, "Welcome! You wrote: hello shop");
    assert.deepEqual(await shop.bodies(sid), ["hello shop", "Welcome! You wrote: hello shop"]);
    await shop.outside.text(customer, shop.number, "a person, please");
    const offer = await desk.offer();
    const said = JSON.parse((await desk.workspace.tasks(offer.taskSid).fetch()).attributes);
    assert.deepEqual([said.wrote, said.wants, said.conversationSid], ["hello shop", "a person, please", sid]);
    await desk.answer(offer, "accepted");
    const agent = (await shop.conversation(sid).participants.list()).find((one) => one.identity !== null);
    assert.equal((await shop.service.roles(agent.roleSid).fetch()).friendlyName, "agent");
    await shop.webhooks.event("onParticipantAdded", { ConversationSid: sid, Identity: agent.identity });
    await shop.conversation(sid).messages.create({ author: agent.identity, body: "how may I help?" });
    await shop.outside.receives(customer, "how may I help?");
    await desk.answer(offer, "completed");
    await until(async () => (await shop.conversation(sid).fetch()).state === "closed", "closed");
  },

  "12.2": async function aTextGoesOnInTheConversationThatIsThere(shop) {
    await shop.answerTexts("default");
    const [customer, friend] = [await shop.outside.phone(), await shop.outside.phone()];
    const talk = await shop.talk({ people: ["alice"], customer });
    await shop.addCustomer(talk, friend);
    await talk.update({ state: "inactive" });
    await shop.login("alice");
    await shop.outside.text(customer, shop.number, "still there?");
    await shop.browsers.do("alice", "hears", { conversation: talk.sid, body: "still there?" });
    await shop.outside.receives(friend, "still there?");
    const changed = await shop.webhooks.event("onConversationStateUpdated", { ConversationSid: talk.sid });
    assert.deepEqual([changed.StateFrom, changed.StateTo, changed.Reason], ["inactive", "active", "EVENT"]);
    assert.equal((await shop.webhooks.event("onMessageAdd", { ConversationSid: talk.sid })).Body, "still there?");
    await shop.webhooks.event("onMessageAdded", { ConversationSid: talk.sid });
    assert.equal((await talk.fetch()).state, "active");
    const [message] = await talk.messages.list();
    assert.deepEqual([message.index, message.author], [0, customer]);
    const receipts = talk.messages(message.sid).deliveryReceipts;
    const [receipt] = await until(async () => { const all = await receipts.list(); return all.length && all; }, "a receipt");
    assert.notEqual(receipt.participantSid, message.participantSid);
    assert.deepEqual(shop.webhooks.events("onConversationAdd", { "MessagingBinding.Address": customer }), []);
  },

  "12.3": async function aGroupOfTelephonesSharesAConversation(shop) {
    const [first, second] = [await shop.outside.phone(), await shop.outside.phone()];
    const talk = await shop.group(
      { identity: "alice", messaging_binding: { projected_address: shop.number } },
      { messaging_binding: { address: first } },
      { messaging_binding: { address: second } },
    );
    await until(async () => (await talk.fetch()).state === "active", "active");
    assert.equal((await talk.participants.list()).length, 3);
    await shop.login("alice");
    const refused = await refusal(talk.messages.create({ author: "a stranger", body: "hi" }));
    assert.deepEqual([refused.status, refused.code], [400, 50513]);
    const message = await talk.messages.create({ author: "alice", body: "hi both" });
    for (const phone of [first, second]) {
      assert.equal((await shop.outside.receives(phone, "hi both")).number, shop.number);
    }
    const receipts = async () => (await talk.messages(message.sid).deliveryReceipts.list()).map((one) => one.status).join();
    await until(async () => (await receipts()) === "delivered,delivered", "two receipts");
    await shop.outside.textAll(first, shop.number, [second], "hi all");
    const conversation = (await talk.fetch()).sid;
    const heard = await shop.browsers.do("alice", "hears", { conversation, body: "hi all" });
    assert.equal(heard.author, first);
    assert.equal((await talk.messages(heard.sid).fetch()).delivery, null);
    assert.deepEqual((await shop.outside.inbox(second)).map((one) => one.body), ["hi both"]);
  },

  "12.4, by MMS": async function picturesGoBothWays(shop) {
    await shop.answerTexts("default");
    const customer = await shop.outside.phone();
    await shop.outside.text(customer, shop.number, "look", PICTURE);
    const { conversationSid: sid } = await until(() => shop.openConversationOf(customer), "a conversation");
    const talk = shop.conversation(sid);
    const message = await until(async () => (await talk.messages.list())[0], "the picture");
    const [media] = message.media;
    assert.deepEqual([message.body, media.content_type], ["look", "image/gif"]);
    const [told] = JSON.parse((await shop.webhooks.event("onMessageAdded", { ConversationSid: sid })).Media);
    assert.deepEqual([told.Sid, told.ContentType, Number(told.Size)], [media.sid, "image/gif", media.size]);
    const credentials = Buffer.from(`${shop.client.accountSid}:${process.env.TWILIO_AUTH_TOKEN}`).toString("base64");
    const url = `https://mcs.us1.twilio.com/v1/Services/${shop.serviceSid}/Media/${media.sid}`;
    const record = await (await fetch(url, { headers: { Authorization: `Basic ${credentials}` } })).json();
    const bytes = await (await fetch(record.links.content_direct_temporary)).arrayBuffer();
    assert.equal(bytes.byteLength, media.size);
    await talk.participants.create({ identity: "alice" });
    await shop.login("alice");
    await shop.browsers.do("alice", "sendPicture", { conversation: sid });
    const has = (one) => one.media.length === 1 && one.media[0] === "image/png";
    await until(async () => (await shop.outside.inbox(customer)).find(has), "the answer");
  },

  "12.4": async function whatsappCarriesFilesAndTemplates(shop) {
    const sender = `whatsapp:${shop.number}`;
    await shop.answerTexts("default", {}, { address: sender, type: "whatsapp" });
    const customer = await shop.outside.phone("whatsapp");
    await shop.outside.text(customer, sender, "my receipt", PICTURE);
    const { conversationSid: sid } = await until(() => shop.openConversationOf(customer), "a conversation");
    const talk = shop.conversation(sid);
    const message = await until(async () => (await talk.messages.list())[0], "the photo");
    assert.deepEqual([message.author, message.body, message.media[0].content_type], [customer, "my receipt", "image/gif"]);
    const [told] = JSON.parse((await shop.webhooks.event("onMessageAdded", { ConversationSid: sid })).Media);
    assert.equal(told.Sid, message.media[0].sid);
    const [person] = await talk.participants.list();
    assert.deepEqual(person.messagingBinding, { type: "whatsapp", address: customer, proxy_address: sender });
    await talk.participants.create({ identity: "alice" });
    await shop.login("alice");
    await shop.browsers.do("alice", "sendPdf", { conversation: sid });
    const has = (one) => one.media.length === 1 && one.media[0] === "application/pdf";
    await until(async () => (await shop.outside.inbox(customer)).find(has), "the bill");
    const becomes = async (sent, status) => until(async () => {
      const all = await talk.messages(sent.sid).deliveryReceipts.list();
      return all.length === 1 && all[0].status === status && all[0];
    }, status);
    const answer = await talk.messages.create({ author: "alice", body: "see you at five" });
    await shop.outside.receives(customer, "see you at five");
    await becomes(answer, "delivered");
    await shop.outside.read(customer, "see you at five");
    await becomes(answer, "read");
    await shop.webhooks.event("onDeliveryUpdated", { MessageSid: answer.sid, Status: "read" });
    const horizon = async () => (await talk.participants(person.sid).fetch()).lastReadMessageIndex;
    await until(async () => (await horizon()) === answer.index, "the horizon");
    await shop.outside.goSilent(customer, "Your order");
    const late = await talk.messages.create({ author: "alice", body: "are you still there?" });
    assert.equal((await becomes(late, "failed")).errorCode, 63016);
    const template = {
      friendly_name: "ready", language: "en", variables: { 1: "none" },
      types: { "twilio/text": { body: "Your order {{1}} is ready" } },
    };
    const credentials = Buffer.from(`${shop.client.accountSid}:${process.env.TWILIO_AUTH_TOKEN}`).toString("base64");
    const headers = { Authorization: `Basic ${credentials}`, "Content-Type": "application/json" };
    const posted = { method: "POST", headers, body: JSON.stringify(template) };
    const { sid: contentSid } = await (await fetch("https://content.twilio.com/v1/Content", posted)).json();
    const contentVariables = JSON.stringify({ 1: "17" });
    const again = await talk.messages.create({ author: "alice", contentSid, contentVariables });
    await shop.outside.receives(customer, "Your order 17 is ready");
    await becomes(again, "delivered");
  },

  "12.9": async function receiptsTellWhatBecameOfAText(shop) {
    const [near, far] = [await shop.outside.phone(), await shop.outside.phone()];
    await shop.outside.unplug(far);
    const talk = await shop.talk({ people: ["alice"], customer: near });
    const gone = await shop.addCustomer(talk, far);
    await shop.login("alice");
    const index = await shop.browsers.do("alice", "send", { conversation: talk.sid, body: "good day" });
    const [message] = await talk.messages.list();
    assert.deepEqual([message.index, message.delivery.total], [index, 2]);
    const receipts = await until(async () => {
      const all = await talk.messages(message.sid).deliveryReceipts.list();
      return all.map((one) => one.status).sort().join() === "delivered,undelivered" && all;
    }, "both receipts");
    assert.equal(receipts.find((one) => one.participantSid === gone.sid).errorCode, 30005);
    assert.ok(receipts.every((one) => one.channelMessageSid.startsWith("SM")));
    const { delivery } = await talk.messages(message.sid).fetch();
    assert.deepEqual([delivery.sent, delivery.delivered, delivery.undelivered], ["all", "some", "some"]);
    const told = await shop.webhooks.event("onDeliveryUpdated", { MessageSid: message.sid, Status: "undelivered" });
    assert.deepEqual([told.ErrorCode, told.ParticipantSid], ["30005", gone.sid]);
    await shop.webhooks.event("onDeliveryUpdated", { MessageSid: message.sid, Status: "delivered" });
    await shop.browsers.do("alice", "seesUpdate", { conversation: talk.sid, reason: "deliveryReceipt" });
  },

  "12.10": async function twoCustomersShareAConversation(shop) {
    await shop.answerTexts("default");
    const [first, second] = [await shop.outside.phone(), await shop.outside.phone()];
    const elsewhere = await shop.talk({ customer: second });
    const talk = await shop.talk({ people: ["alice"], customer: first });
    const refused = await refusal(shop.addCustomer(talk, second));
    assert.deepEqual([refused.status, refused.code], [409, 50416]);
    assert.ok(refused.message.includes(elsewhere.sid));
    await elsewhere.update({ state: "closed" });
    const added = await shop.addCustomer(talk, second);
    await shop.login("alice");
    await shop.outside.text(first, shop.number, "from the first");
    await shop.browsers.do("alice", "hears", { conversation: talk.sid, body: "from the first" });
    assert.equal((await shop.outside.receives(second, "from the first")).number, shop.number);
    await shop.outside.text(second, shop.number, "from the second");
    await shop.browsers.do("alice", "hears", { conversation: talk.sid, body: "from the second" });
    await shop.outside.receives(first, "from the second");
    await talk.participants(added.sid).remove();
    await shop.outside.text(second, shop.number, "and now?");
    const fresh = await until(() => shop.openConversationOf(second), "a conversation of its own");
    assert.ok(![talk.sid, elsewhere.sid].includes(fresh.conversationSid));
    assert.deepEqual(await shop.bodies(talk.sid), ["from the first", "from the second"]);
  },
};

module.exports = { sequences };
