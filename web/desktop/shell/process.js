// A few of Flex UI's libraries look for Node's process.
export const process = { env: { NODE_ENV: "production" }, browser: true, version: "", nextTick: queueMicrotask };
