// The calls that Flex UI makes through its SDK, from their contracts (docs/flex-ui.md): configuration, features, and
// whether a token is good. The page shim brings each of them here.
const API = "https://flex-api.twilio.com";
const SESSION = "https://flex.twilio.com/api/v1/Session";

export const ClientEvent = { TokenUpdated: "tokenUpdated", TokenExpired: "tokenExpired" };

const camel = (name) => name.replace(/_+([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const renamed = (object, rename) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [rename(name), value]));
const basic = (token) => ({ Authorization: `Basic ${btoa(`token:${token}`)}` });

async function call(url, options = {}) {
  const answer = await fetch(url, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    // Flex UI looks for the code of an expired or invalid token in the message.
    throw Object.assign(new Error(`${body.message ?? answer.statusText} (${body.code ?? answer.status})`), {
      code: body.code,
      status: answer.status,
    });
  }
  return body;
}

export async function getAccountConfig(token, options = {}) {
  const query = new URLSearchParams(Object.entries(options.query ?? {}));
  return renamed(await call(`${API}/v1/Configuration?${query}`, { headers: basic(token) }), camel);
}

export async function setAccountConfig(accountSid, token, changes) {
  const body = JSON.stringify({ ...renamed(changes, snake), account_sid: accountSid });
  const headers = { ...basic(token), "Content-Type": "application/json" };
  return renamed(await call(`${API}/v1/Configuration`, { method: "POST", headers, body }), camel);
}

export async function getPublicConfig({ accountSid, runtimeDomain }) {
  const query = new URLSearchParams(accountSid ? { AccountSid: accountSid } : { RuntimeDomain: runtimeDomain });
  const { configurations } = await call(`${API}/v1/Configuration/Public?${query}`);
  if (!configurations?.length) throw new Error("There is no such account");
  return renamed(configurations[0], camel);
}

export async function getFeaturesConfig(token, version) {
  const headers = { "X-Flex-JWE": token, "X-Flex-Version": version ?? "" };
  const { features, insights_active: insightsActive } = await call(SESSION, { headers });
  return { insightsActive, features: features.map((feature) => renamed(feature, camel)) };
}

export async function validateToken(accountSid, token) {
  const headers = { ...basic(token), "Content-Type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams({ Token: token });
  const info = await call(`${API}/v1/Accounts/${accountSid}/Tokens/Info`, { method: "POST", headers, body });
  return { ...renamed(info, camel), valid: true, dateExpired: info.expiration };
}

export class InitializeDataClient {
  constructor(options) {
    this.options = options;
  }

  async run() {
    return undefined; // the GraphQL service of the hosted product is not served
  }
}

class Client {
  #listeners = new Map();

  constructor(token) {
    this.token = token;
  }

  addListener(event, listener) {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  removeListener(event, listener) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter((one) => one !== listener));
    return this;
  }

  async updateToken(token) {
    this.token = token;
    for (const listener of this.#listeners.get(ClientEvent.TokenUpdated) ?? []) listener(token);
  }

  async execute(action) {
    return action.run();
  }

  async destroy() {
    this.#listeners.clear();
  }
}

export async function createClient(token) {
  return new Client(token);
}
