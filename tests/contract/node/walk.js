"use strict";
// The official Node package against a Parlour host: node walk.js URL ACCOUNT_SID AUTH_TOKEN; prints what it saw as JSON.

const twilio = require("twilio");

const [host, accountSid, authToken] = process.argv.slice(2);

class ParlourClient extends twilio.RequestClient {
  request(options) {
    const url = new URL(options.uri);
    if (!url.hostname.endsWith(".twilio.com")) {
      return super.request(options);
    }
    const product = url.hostname.split(".")[0];
    return super.request({ ...options, uri: `${host}/${product}${url.pathname}${url.search}` });
  }
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { status: error.status, code: error.code };
  }
  return null;
}

async function conversations(client) {
  const talk = await client.conversations.v1.conversations.create({ friendlyName: "Talk", attributes: '{"a":1}' });
  const below = client.conversations.v1.conversations(talk.sid);
  const bob = await below.participants.create({ identity: "bob" });
  for (const body of ["one", "two", "three"]) {
    await below.messages.create({ author: "bob", body });
  }
  const messages = await below.messages.list({ pageSize: 1, order: "asc" });
  const closed = await below.update({ state: "closed" });
  const late = await refusal(below.messages.create({ body: "late" }));
  return {
    created: talk.dateCreated instanceof Date,
    bob: bob.identity,
    bodies: messages.map((message) => message.body),
    authors: [...new Set(messages.map((message) => message.participantSid === bob.sid))],
    state: closed.state,
    late,
  };
}

async function taskrouter(client) {
  const space = await client.taskrouter.v1.workspaces.create({ friendlyName: "Node" });
  const below = client.taskrouter.v1.workspaces(space.sid);
  const queue = await below.taskQueues.create({ friendlyName: "Everyone", targetWorkers: "1==2" });
  const configuration = JSON.stringify({ task_routing: { filters: [], default_filter: { queue: queue.sid } } });
  const workflow = await below.workflows.create({ friendlyName: "Assign", configuration });
  const task = await below.tasks.create({ workflowSid: workflow.sid, attributes: '{"name":"Bo"}' });
  const canceled = await below.tasks(task.sid).update({ assignmentStatus: "canceled", reason: "spam" });
  const activities = await below.activities.list({ pageSize: 1 });
  return {
    activities: activities.map((activity) => activity.friendlyName).sort(),
    status: [task.assignmentStatus, canceled.assignmentStatus],
    removed: await below.remove(),
  };
}

async function studioAndFlex(client) {
  const flows = await client.studio.v2.flows.list();
  const flow = await client.studio.v2.flows(flows[0].sid).fetch();
  const configuration = await client.flexApi.v1.configuration().fetch();
  return { states: flow.definition.states.length > 0, workspace: configuration.taskrouterWorkspaceSid.slice(0, 2) };
}

async function main() {
  const client = twilio(accountSid, authToken, { httpClient: new ParlourClient() });
  const account = await client.api.v2010.accounts(accountSid).fetch();
  const numbers = await client.incomingPhoneNumbers.list({ pageSize: 1 });
  console.log(
    JSON.stringify({
      account: account.sid,
      numbers: numbers.length,
      conversations: await conversations(client),
      taskrouter: await taskrouter(client),
      rest: await studioAndFlex(client),
      unknown: await refusal(client.conversations.v1.conversations("CH" + "0".repeat(32)).fetch()),
    })
  );
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
