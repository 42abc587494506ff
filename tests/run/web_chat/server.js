// The server part of a web chat, in the manner of the published React app's: it opens the chat with the account's
// credentials, signs the visitor's token with an API key, posts what the visitor asked, and greets. Its environment has
// the names that the published one reads; it knows no address but the vendor's.
"use strict";
const axios = require("axios");
const cors = require("cors");
const express = require("express");
const jwt = require("jsonwebtoken");
const Twilio = require("twilio");

const { env } = process;
const LIFE = 6 * 60 * 60; // seconds
const origins = env.ALLOWED_ORIGINS.split(",").map((each) => each.trim());
const client = new Twilio(env.API_KEY, env.API_SECRET, { accountSid: env.ACCOUNT_SID, region: env.TWILIO_REGION });

function tokenOf(identity) {
  const { AccessToken } = Twilio.jwt;
  const token = new AccessToken(env.ACCOUNT_SID, env.API_KEY, env.API_SECRET, { identity, ttl: LIFE });
  token.addGrant(new AccessToken.ChatGrant({ serviceSid: env.CONVERSATIONS_SERVICE_SID }));
  return token.toJwt();
}

const answer = (identity) => ({ token: tokenOf(identity), expiration: Date.now() + LIFE * 1000 });

async function opened(form, name) {
  const asked = new URLSearchParams();
  asked.append("AddressSid", env.ADDRESS_SID);
  asked.append("ChatFriendlyName", "Webchat widget");
  asked.append("CustomerFriendlyName", name);
  asked.append("PreEngagementData", JSON.stringify({ ...form, friendlyName: name }));
  const auth = { username: env.ACCOUNT_SID, password: env.AUTH_TOKEN };
  const { data } = await axios.post("https://flex-api.twilio.com/v2/WebChats", asked, { auth });
  return data;
}

async function greeted(conversationSid, identity, query, name) {
  const { messages } = client.conversations.conversations(conversationSid);
  await messages.create({ body: query, author: identity, xTwilioWebhookEnabled: true });
  await messages.create({ body: `Hello ${name}, somebody will be with you soon.`, author: "Concierge" });
}

const app = express();
app.use(express.json());
app.use(cors({ origins }));
app.use((request, response, next) =>
  origins.includes(request.get("origin")) ? next() : response.sendStatus(403));

app.post("/initWebchat", async (request, response) => {
  const form = request.body.formData ?? {};
  const name = form.friendlyName || "Customer";
  try {
    const { identity, conversation_sid: conversationSid } = await opened(form, name);
    if (form.query) greeted(conversationSid, identity, form.query, name).catch(console.error);
    response.send({ conversationSid, ...answer(identity) });
  } catch (error) {
    response.status(500).send(`Couldn't initiate WebChat: ${error.response?.data?.message ?? error.message}`);
  }
});

app.post("/refreshToken", (request, response) => {
  try {
    const { grants } = jwt.verify(request.body.token, env.API_SECRET);
    response.send(answer(grants.identity));
  } catch {
    response.sendStatus(403);
  }
});

app.listen(Number(env.PORT), "127.0.0.1", () => console.log(JSON.stringify({ listening: Number(env.PORT) })));
