// Loaded into Node by NODE_OPTIONS: connections to the vendor's hosts lead to `parlour run`, because Node itself looks
// at no proxy variable. Only the address of a connection changes; whatever a program says about agents, certificates
// and names stays its own, and a connection that it makes through a proxy of its own is not touched.
"use strict";
const http = require("node:http");
const net = require("node:net");
const tls = require("node:tls");

const HOST = process.env.PARLOUR_RUN_HOST;
const TLS_PORT = Number(process.env.PARLOUR_RUN_TLS_PORT);
const PLAIN_PORT = Number(process.env.PARLOUR_RUN_PLAIN_PORT);
const VENDORS = /(?:^|\.)(?:twilio|twiliocdn)\.com\.?$/i;

const isVendors = (host) => typeof host === "string" && VENDORS.test(host);

// The forms of net.connect and tls.connect: (options[, listener]) and (port[, host][, options][, listener]).
function read(given) {
  const listener = typeof given[given.length - 1] === "function" ? given[given.length - 1] : undefined;
  const options = {};
  if (typeof given[0] !== "object" || given[0] === null) {
    options.port = given[0];
    if (typeof given[1] === "string") options.host = given[1];
  }
  for (const each of given) if (typeof each === "object" && each !== null) Object.assign(options, each);
  return [options, listener];
}

function connectTls(original) {
  return function connect(...given) {
    const [options, listener] = read(given);
    const host = options.host || options.servername;
    if (options.socket || options.path || !isVendors(host)) return original.apply(this, given);
    return original.call(this, {
      ...options, servername: options.servername || host, host: HOST, port: TLS_PORT, lookup: undefined,
    }, listener);
  };
}

function connectPlain(original) {
  return function connect(...given) {
    const [options, listener] = read(given);
    if (Number(options.port) !== 80 || options.path || !isVendors(options.host)) return original.apply(this, given);
    return original.call(this, { ...options, host: HOST, port: PLAIN_PORT, lookup: undefined }, listener);
  };
}

if (HOST && TLS_PORT && PLAIN_PORT) {
  tls.connect = connectTls(tls.connect);
  net.connect = connectPlain(net.connect);
  net.createConnection = connectPlain(net.createConnection);
  http.Agent.prototype.createConnection = connectPlain(http.Agent.prototype.createConnection);
}
