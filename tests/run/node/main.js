// Runs the shop through a day, and says of each thing that happens whether it went well; exit 1 where one did not.
"use strict";
const { Shop } = require("./shop.js");
const customers = require("./customers.js");
const people = require("./people.js");

const version = process.argv[2];

async function main() {
  console.log(`with twilio ${require(`${version}/package.json`).version}`);
  const shop = new Shop(require(version));
  await shop.open();
  let failed = 0;
  for (const [number, sequence] of Object.entries({ ...customers.sequences, ...people.sequences })) {
    try {
      await sequence(shop);
      console.log(`ok ${number} ${sequence.name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${number} ${sequence.name}\n${error.stack}`);
    }
  }
  shop.close();
  process.exitCode = failed ? 1 : 0;
}

main();
