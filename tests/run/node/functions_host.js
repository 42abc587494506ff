// Serves the functions to plugins, as a vendor's runtime would: each checks the Flex token that it is given, with the
// published validator, before it does anything. It knows no address but its own.
"use strict";
const http = require("node:http");
const { functionValidator } = require("twilio-flex-token-validator");
const handlers = require("./functions.js");

const [, , library, port] = process.argv;
const twilio = require(library);
const known = { ACCOUNT_SID: process.env.TWILIO_ACCOUNT_SID, AUTH_TOKEN: process.env.TWILIO_AUTH_TOKEN };
const context = { ...known, getTwilioClient: () => twilio(known.ACCOUNT_SID, known.AUTH_TOKEN) };

class Response {
  constructor() { this.status = 200; this.headers = {}; this.body = ""; }
  appendHeader(name, value) { this.headers[name] = value; }
  setStatusCode(status) { this.status = status; }
  setBody(body) { this.body = body; }
}
global.Twilio = { Response };

const CORS = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Content-Type" };

const answerOf = (name, event) => new Promise((resolve) => {
  const handler = functionValidator(async (context, event, callback) => {
    const { Token, TokenResult, ...rest } = event;
    const done = await handlers[name](context, rest);
    callback(null, { ...done, by: TokenResult.identity });
  });
  handler(context, event, (error, result) => resolve(error ?? result)).catch(
    (error) => resolve({ status: 500, headers: {}, body: String(error) }));
});

http.createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  if (request.method === "OPTIONS") { response.writeHead(204, CORS); response.end(); return; }
  const given = await answerOf(request.url.slice(1), JSON.parse(text));
  const result = given instanceof Response || given.status === 500
    ? given : { status: 200, headers: { "Content-Type": "application/json" }, body: JSON.stringify(given) };
  response.writeHead(result.status, { ...CORS, ...result.headers });
  response.end(String(result.body));
}).listen(Number(port), "127.0.0.1", () => console.log(JSON.stringify({ listening: Number(port) })));
