// One agent's client, the package as it is. Reads one command per line, writes one line per answer and per event.
"use strict";
for (const name of ["log", "info", "debug", "trace"]) console[name] = console.error; // stdout is for the test
const readline = require("node:readline");
const { Supervisor, Worker, Workspace } = require("twilio-taskrouter");

const EVENTS = [
  "ready", "disconnected", "error", "tokenExpired", "tokenUpdated", "activityUpdated", "attributesUpdated",
  "reservationCreated", "reservationFailed",
];
const OF_RESERVATION = ["accepted", "rejected", "timeout", "canceled", "rescinded", "completed", "wrapup"];
const OF_TASK = ["updated", "canceled", "completed", "wrapup"];
const OF_TRANSFER = ["attemptFailed", "canceled", "completed", "failed"];
const OF_CHANNEL = ["capacityUpdated", "availabilityUpdated"];
const heard = new WeakSet();
let worker = null;
let workspace = null;

const write = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const tell = (event, data) => write({ event, data: data ?? {} });

process.on("uncaughtException", (error) => tell("uncaught", { message: String(error.stack || error) }));
process.on("unhandledRejection", (error) => tell("unhandled", { message: String(error.stack || error) }));

const ofTask = (task) => ({
  sid: task.sid, status: task.status, attributes: task.attributes, version: task.version, reason: task.reason,
});
const ofTransfer = (it) => it && ({
  sid: it.sid, status: it.status, mode: it.mode, type: it.type, to: it.to, queueSid: it.queueSid,
  workflowSid: it.workflowSid, workerSid: it.workerSid, reservationSid: it.reservationSid,
  reason: it.transferFailedReason ?? null,
});
const ofReservation = (it) => ({
  sid: it.sid,
  status: it.status,
  version: it.version,
  task: ofTask(it.task),
  transfer: ofTransfer(it.transfer) ?? null,
  incoming: ofTransfer(it.task.transfers.incoming) ?? null,
  outgoing: ofTransfer(it.task.transfers.outgoing) ?? null,
});
const ofWorker = () => ({
  sid: worker.sid,
  name: worker.name,
  version: worker.version,
  workspaceSid: worker.workspaceSid,
  activity: worker.activity && worker.activity.name,
  attributes: worker.attributes,
  activities: [...worker.activities.values()].map((it) => it.name).sort(),
  channels: Object.fromEntries(
    [...worker.channels.values()].map((it) => [it.taskChannelUniqueName, { capacity: it.capacity, available: it.available }]),
  ),
  reservations: [...worker.reservations.values()].map(ofReservation),
});

function listen(emitter, names, describe) {
  if (heard.has(emitter)) return;
  heard.add(emitter);
  for (const name of names) emitter.on(name, (...args) => tell(...describe(name, ...args)));
}

function hearReservation(it) {
  listen(it, OF_RESERVATION, (name) => [`reservation.${name}`, ofReservation(it)]);
  listen(it.task, [...OF_TASK, "transferInitiated"], (name, what) =>
    name === "transferInitiated" ? [name, ofTransfer(what)] : [`task.${name}`, ofTask(it.task)],
  );
  hearTransfer(it.task.transfers.outgoing);
}

function hearTransfer(it) {
  if (it) listen(it, OF_TRANSFER, (name) => [`transfer.${name}`, ofTransfer(it)]);
}

function hearAll() {
  for (const it of worker.reservations.values()) hearReservation(it);
  for (const it of worker.channels.values()) {
    listen(it, OF_CHANNEL, (name) => [name, { name: it.taskChannelUniqueName, capacity: it.capacity, available: it.available }]);
  }
}

function open({ token, options, supervisor }) {
  worker = new (supervisor ? Supervisor : Worker)(token, options);
  for (const name of EVENTS) {
    worker.on(name, (what) => {
      if (name === "ready") hearAll();
      if (name === "reservationCreated") {
        hearReservation(what);
        tell(name, ofReservation(what));
      } else if (name === "error" || name === "disconnected") {
        tell(name, { message: String((what && what.message) || what) });
      } else if (name === "reservationFailed") {
        tell(name, what);
      } else {
        tell(name, ofWorker());
      }
    });
  }
  return {};
}

const reservation = (sid) => {
  const found = worker.reservations.get(sid);
  if (!found) throw new Error(`the client does not know reservation ${sid}`);
  return found;
};
const activity = (name) => [...worker.activities.values()].find((it) => it.name === name);

const commands = {
  open,
  state: () => ofWorker(),
  accept: async ({ sid }) => ofReservation(await reservation(sid).accept()),
  reject: async ({ sid, options }) => ofReservation(await reservation(sid).reject(options)),
  wrap: async ({ sid }) => ofReservation(await reservation(sid).wrap()),
  complete: async ({ sid }) => ofReservation(await reservation(sid).complete()),
  call: async ({ sid }) => ofReservation(await reservation(sid).call("+12025550100", "https://example.com/twiml")),
  conference: async ({ sid }) => ofReservation(await reservation(sid).conference()),
  dequeue: async ({ sid }) => ofReservation(await reservation(sid).dequeue()),
  transfer: async ({ sid, to, options }) => {
    const task = await reservation(sid).task.transfer(to, options);
    hearTransfer(task.transfers.outgoing);
    return ofTransfer(task.transfers.outgoing);
  },
  cancelTransfer: async ({ sid }) => ofTransfer(await reservation(sid).task.transfers.outgoing.cancel()),
  completeTask: async ({ sid, reason }) => ofTask(await reservation(sid).task.complete(reason)),
  wrapUpTask: async ({ sid, reason }) => ofTask(await reservation(sid).task.wrapUp({ reason })),
  setTaskAttributes: async ({ sid, attributes }) => ofTask(await reservation(sid).task.setAttributes(attributes)),
  setVirtualStartTime: async ({ sid, at }) => ofTask(await reservation(sid).task.setVirtualStartTime(new Date(at))),
  setActivity: async ({ name, options }) => (await activity(name).setAsCurrent(options), ofWorker()),
  setAttributes: async ({ attributes }) => (await worker.setAttributes(attributes), ofWorker()),
  setWorkerActivity: ({ worker: sid, activity: to }) => worker.setWorkerActivity(sid, to),
  setWorkerAttributes: ({ worker: sid, attributes }) => worker.setWorkerAttributes(sid, attributes),
  createTask: async ({ to, from, workflow, queue, options }) => ({
    sid: await worker.createTask(to, from, workflow, queue, options),
  }),
  updateToken: ({ token }) => (worker.updateToken(token), {}),
  disconnect: () => (worker.disconnect(), {}),
  cut: () => (worker._signaling.webSocket.terminate(), {}),
  post: ({ url, params, api }) => worker._request.post(url, params, api ?? "v2"),
  get: ({ url, params, api }) => worker._request.get(url, api ?? "v2", params),
  workspace: ({ token, options, sid }) => ((workspace = new Workspace(token, options, sid)), {}),
  workers: async ({ args }) => [...(await workspace.fetchWorkersInfo(args)).values()].map((it) => it.friendlyName),
  queues: async ({ args }) => [...(await workspace.fetchTaskQueues(args)).values()].map((it) => it.queueName ?? it.friendlyName ?? it.name),
  worker: async ({ sid }) => ({ name: (await workspace.fetchWorkerInfo(sid)).friendlyName }),
  queue: async ({ sid }) => ({ sid: (await workspace.fetchTaskQueue(sid)).sid }),
  task: async ({ sid }) => ({ sid: (await workspace.fetchTask(sid)).sid }),
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, command, ...args } = JSON.parse(line);
  try {
    write({ id, result: (await commands[command](args)) ?? null });
  } catch (error) {
    write({ id, error: String((error && error.message) || error) });
  }
}).on("close", () => process.exit(0));
