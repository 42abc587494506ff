// What is outside of a back end: telephones, the calendar, people in browsers, and the web server of its webhooks.
"use strict";
const http = require("node:http");
const readline = require("node:readline");
const { spawn } = require("node:child_process");

const pause = () => new Promise((wake) => setTimeout(wake, 30));

async function until(look, what, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await pause()) {
    const seen = await look();
    if (seen) return seen;
  }
  throw new Error(`not seen in ${seconds} s: ${what}`);
}

async function refusal(promise) {
  let done;
  try {
    done = await promise;
  } catch (refused) {
    return refused;
  }
  throw new Error(`it was not refused: ${JSON.stringify(done)}`);
}

// Telephones of customers, and a calendar whose pages can be turned.
class Outside {
  constructor(url) { this.url = url; }
  async ask(action, given = {}) {
    const answer = await fetch(`${this.url}/${action}`, { method: "POST", body: JSON.stringify(given) });
    if (!answer.ok) throw new Error(`${action}: ${answer.status}`);
    return answer.json();
  }
  async phone(kind = "") { return (await this.ask("phone", { kind })).number; }
  async goSilent(number, template) { await this.ask("go_silent", { number, template }); }
  async read(number, body) { await this.ask("read", { number, body }); }
  async text(number, to, body, picture = "") { await this.ask("text", { number, to, body, picture }); }
  async textAll(number, to, others, body) { await this.ask("text_all", { number, to, others, body }); }
  async unplug(number) { await this.ask("unplug", { number }); }
  async wait(seconds) { await this.ask("wait", { seconds }); }
  async inbox(number) { return (await this.ask("inbox", { number })).messages; }
  async receives(number, body) {
    return until(async () => (await this.inbox(number)).find((one) => one.body === body), `${body} on ${number}`);
  }
}

// People in browsers with the client SDK.
class Browsers {
  constructor(script) {
    this.process = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
    this.asked = new Map();
    readline.createInterface({ input: this.process.stdout }).on("line", (line) => {
      const { id, result, error } = JSON.parse(line);
      const { resolve, reject } = this.asked.get(id);
      if (error) reject(new Error(JSON.stringify(error))); else resolve(result);
    });
  }
  do(who, action, given = {}) {
    const id = this.asked.size + 1;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.process.stdin.write(`${JSON.stringify({ id, who, action, ...given })}\n`);
    });
  }
  close() { this.process.stdin.end(); }
}

// The web server of our webhooks; `answers` says what an event is answered, null nothing at all.
class Webhooks {
  constructor() {
    this.heard = [];
    this.answers = {};
    this.server = http.createServer((request, response) => {
      let body = "";
      request.on("data", (part) => { body += part; }).on("end", () => {
        const event = Object.fromEntries(new URLSearchParams(body));
        this.heard.push(event);
        if (this.answers[event.EventType] === null) return;
        const [status, answer] = this.answers[event.EventType] || [200, {}];
        response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
      });
    });
  }
  async open() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/events`;
  }
  events(kind, wanted = {}) {
    const is = (event) => event.EventType === kind && Object.entries(wanted).every(([name, value]) => event[name] === value);
    return this.heard.filter(is);
  }
  async event(kind, wanted = {}) {
    return until(() => this.events(kind, wanted)[0], `${kind} ${JSON.stringify(wanted)}`);
  }
  close() { this.server.close(); this.server.closeAllConnections(); }
}

module.exports = { Outside, Browsers, Webhooks, until, refusal };
