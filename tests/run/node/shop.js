// The back end of a shop: it writes with customers by text and with its people in browsers.
"use strict";
const { Outside, Browsers, Webhooks, until } = require("./outside.js");

const EVERYTHING = ["Message", "Conversation", "Participant"]
  .flatMap((thing) => ["Add", "Update", "Remove", "Added", "Updated", "Removed"].map((what) => `on${thing}${what}`))
  .concat("onConversationStateUpdated", "onDeliveryUpdated");

class Shop {
  constructor(twilio) {
    this.twilio = twilio;
    this.client = twilio();
    this.number = process.env.SHOP_NUMBER;
    this.outside = new Outside(process.env.OUTSIDE_URL);
    this.browsers = new Browsers(process.env.FRONT_END);
    this.webhooks = new Webhooks();
  }

  async open() {
    await this.webhooks.open();
    this.serviceSid = (await this.client.conversations.v1.services.create({ friendlyName: "Shop" })).sid;
    this.service = this.client.conversations.v1.services(this.serviceSid);
    const { url } = this.webhooks;
    await this.service.configuration.webhooks().update({
      preWebhookUrl: url, postWebhookUrl: url, method: "POST", filters: EVERYTHING,
    });
    this.key = await this.client.newKeys.create({ friendlyName: "Shop" });
  }

  // Say what becomes of a first text, to our number where no other address is given.
  async answerTexts(kind, how = {}, { address = this.number, type = "sms" } = {}) {
    const options = {
      "autoCreation.enabled": true, "autoCreation.type": kind, "autoCreation.conversationServiceSid": this.serviceSid, ...how,
    };
    const addresses = this.client.conversations.v1.addressConfigurations;
    const known = (await addresses.list()).some((one) => one.address === address);
    if (known) await addresses(address).update(options);
    else await addresses.create({ type, address, friendlyName: "Shop", ...options });
  }

  // Let one of our people in.
  async login(identity) {
    const { AccessToken } = this.twilio.jwt;
    const token = new AccessToken(this.client.accountSid, this.key.sid, this.key.secret, { identity, ttl: 20 * 3600 });
    token.addGrant(new AccessToken.ChatGrant({ serviceSid: this.serviceSid }));
    await this.browsers.do(identity, "login", { token: token.toJwt() });
  }

  // Make a conversation with people of ours and a customer.
  async talk({ people = [], customer = "", ...options } = {}) {
    const { sid } = await this.service.conversations.create(options);
    const talk = this.service.conversations(sid);
    talk.sid = sid;
    for (const identity of people) await talk.participants.create({ identity });
    if (customer) await this.addCustomer(talk, customer);
    return talk;
  }

  // Make a conversation together with its people; older versions of the package have no name for that.
  async group(...people) {
    const participant = people.map((one) => JSON.stringify(one));
    if (this.service.conversationWithParticipants) {
      return this.conversation((await this.service.conversationWithParticipants.create({ participant })).sid);
    }
    const uri = `https://conversations.twilio.com/v1/Services/${this.serviceSid}/ConversationWithParticipants`;
    const { statusCode, body } = await this.client.request({ method: "POST", uri, data: { Participant: participant } });
    if (statusCode !== 202) throw new Error(`${statusCode} ${JSON.stringify(body)}`);
    return this.conversation((typeof body === "string" ? JSON.parse(body) : body).sid);
  }

  async addCustomer(talk, customer) {
    const made = await talk.participants.create({
      "messagingBinding.address": customer, "messagingBinding.proxyAddress": this.number,
    });
    return made;
  }

  async openConversationOf(customer) {
    const rows = await this.service.participantConversations.list({ address: customer });
    return rows.find((row) => row.conversationState !== "closed");
  }

  conversation(sid) { return this.service.conversations(sid); }

  async bodies(sid) { return (await this.conversation(sid).messages.list()).map((message) => message.body); }

  close() { this.browsers.close(); this.webhooks.close(); }
}

// One agent of ours in the contact centre, and the workflow that leads to them alone.
class Desk {
  constructor(shop) { this.shop = shop; }

  async open() {
    const { client, number, service } = this.shop;
    const { taskrouterWorkspaceSid } = await client.flexApi.v1.configuration().fetch();
    this.workspace = client.taskrouter.v1.workspaces(taskrouterWorkspaceSid);
    const [free] = await this.workspace.activities.list({ friendlyName: "Available" });
    const friendlyName = `Desk of ${number}`;
    const attributes = JSON.stringify({ shop: number });
    const { sid } = await this.workspace.workers.create({ friendlyName, attributes, activitySid: free.sid });
    this.reservations = this.workspace.workers(sid).reservations;
    const queue = await this.workspace.taskQueues.create({ friendlyName, targetWorkers: `shop=='${number}'` });
    const configuration = JSON.stringify({ task_routing: { default_filter: { queue: queue.sid } } });
    this.workflowSid = (await this.workspace.workflows.create({ friendlyName, configuration })).sid;
    await service.roles.create({ friendlyName: "agent", type: "conversation", permission: ["sendMessage"] });
    return this;
  }

  // Wait for a task that is offered to the agent.
  async offer() {
    const pending = (one) => one.reservationStatus === "pending";
    return until(async () => (await this.reservations.list()).find(pending), "a task");
  }

  // Take a task, or be done with it.
  async answer(offer, reservationStatus) {
    await this.workspace.tasks(offer.taskSid).reservations(offer.sid).update({ reservationStatus });
  }
}

module.exports = { Desk, Shop };
