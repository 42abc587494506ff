// Functions behind plugins of a desktop, in the manner of contact centres' own: each gets an event with what the plugin
// sends, a context with a client, and answers through a callback. They know no address of anything.
"use strict";
const handlers = {
  // Leave the conversation for later: note how it comes back, have its next message heard, end the agent's part.
  async park(context, event) {
    const client = context.getTwilioClient();
    const talk = client.conversations.v1.conversations(event.conversationSid);
    const found = await talk.fetch();
    const webhook = await talk.webhooks.create({
      target: "webhook",
      "configuration.method": "POST",
      "configuration.filters": ["onMessageAdded"],
      "configuration.url": event.unparkUrl,
    });
    const noted = {
      ...JSON.parse(found.attributes),
      interactionSid: event.interactionSid,
      channelSid: event.channelSid,
      taskAttributes: event.taskAttributes,
      taskChannelUniqueName: event.taskChannelUniqueName,
      workflowSid: event.workflowSid,
      workspaceSid: event.workspaceSid,
      webhookSid: webhook.sid,
    };
    await talk.update({ attributes: JSON.stringify(noted) });
    const ended = await client.flexApi.v1
      .interaction(event.interactionSid)
      .channels(event.channelSid)
      .participants(event.participantSid)
      .update({ status: "closed" });
    return { webhookSid: webhook.sid, participant: ended.sid };
  },

  // The customer wrote to a parked conversation: ask agents again with what was noted, and hear no more.
  async unpark(context, event) {
    const client = context.getTwilioClient();
    const talk = client.conversations.v1.conversations(event.ConversationSid);
    const noted = JSON.parse((await talk.fetch()).attributes);
    const invite = await client.flexApi.v1
      .interaction(noted.interactionSid)
      .channels(noted.channelSid)
      .invites.create({
        routing: {
          properties: {
            workspace_sid: noted.workspaceSid,
            workflow_sid: noted.workflowSid,
            task_channel_unique_name: noted.taskChannelUniqueName,
            attributes: JSON.parse(noted.taskAttributes),
          },
        },
      });
    await talk.webhooks(noted.webhookSid).remove();
    return { inviteSid: invite.sid, task: invite.routing.properties.sid };
  },

  // Hand a chat over: invite the other one first, and only then end the own part.
  async transfer(context, event) {
    const client = context.getTwilioClient();
    const channel = client.flexApi.v1.interaction(event.interactionSid).channels(event.channelSid);
    const attributes = JSON.parse(event.taskAttributes);
    const routing = { properties: { workspace_sid: event.workspaceSid, workflow_sid: event.workflowSid, attributes } };
    if (event.targetSid.startsWith("WK")) {
      routing.properties = { ...routing.properties, queue_sid: event.queueSid, worker_sid: event.targetSid };
    }
    routing.properties.task_channel_unique_name = event.taskChannelUniqueName;
    const invite = await channel.invites.create({ routing });
    await channel.participants(event.participantSid).update({ status: "closed" });
    return { inviteSid: invite.sid, task: invite.routing.properties.sid };
  },

  // Bring a further customer in.
  async addParticipant(context, event) {
    const client = context.getTwilioClient();
    const added = await client.flexApi.v1
      .interaction(event.interactionSid)
      .channels(event.channelSid)
      .participants.create({ type: "customer", mediaProperties: event.media });
    const all = await client.flexApi.v1.interaction(event.interactionSid).channels(event.channelSid).participants.list();
    return { sid: added.sid, all: all.length };
  },
};

module.exports = handlers;

if (require.main === module) {
  const [, , library, name, text] = process.argv;
  const twilio = require(library);
  const context = { getTwilioClient: () => twilio(process.env.TWILIO_ACCOUNT_SID, process.env.TWILIO_AUTH_TOKEN) };
  handlers[name](context, JSON.parse(text)).then(
    (answer) => console.log(JSON.stringify(answer)),
    (error) => { console.error(error); process.exitCode = 1; },
  );
}
