// The node side of `oof bench decode --peer`: solana-dex-parser over the bodies of a file, one getTransaction result a line.
//
//   node peer_decode.mjs MODULES BODIES answers OUTPUT     what it says of each body, a JSON line each, in their order
//   node peer_decode.mjs MODULES BODIES time PASSES        what it costs: one JSON line on standard output
//
// MODULES is an npm prefix that holds node_modules/solana-dex-parser. Amounts in answers are strings of base units.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, bodiesFile, task, argument] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "node_modules", "solana-dex-parser", "package.json"));
const { DexParser } = require("solana-dex-parser");
const { VersionedTransaction } = require("@solana/web3.js");
const bs58 = require("bs58").default ?? require("bs58");

// The library says there what it cannot read, and standard output is for our one line.
console.log = console.error = console.warn = () => {};

/** The object its users hand it: a wire transaction is opened with web3, since the library takes none as text. */
function open(text) {
  const result = JSON.parse(text);
  const wire = result.transaction;
  if (wire !== null && typeof wire === "object" && !Array.isArray(wire)) return result;
  const [packed, encoding] = typeof wire === "string" ? [wire, "base58"] : wire;
  if (encoding !== "base64" && encoding !== "base58") throw new Error(`encoding ${encoding}`);
  const bytes = encoding === "base64" ? Buffer.from(packed, "base64") : bs58.decode(packed);
  const { signatures, message } = VersionedTransaction.deserialize(bytes);
  return { ...result, transaction: { signatures: signatures.map((one) => bs58.encode(one)), message } };
}

const text = (value) => (value === undefined || value === null ? "" : String(value));

function described(trade) {
  if (!trade) return null;
  const fees = trade.fees ?? (trade.fee ? [trade.fee] : []);
  return {
    path: text(trade.idx),
    user: text(trade.user),
    program_id: text(trade.programId),
    amm: text(trade.amm),
    sold_mint: text(trade.inputToken?.mint),
    sold_raw: text(trade.inputToken?.amountRaw),
    bought_mint: text(trade.outputToken?.mint),
    bought_raw: text(trade.outputToken?.amountRaw),
    fees: fees.map((fee) => ({ mint: text(fee.mint), amount_raw: text(fee.amountRaw) })),
  };
}

function answer(parser, body) {
  try {
    const found = parser.parseAll(open(body));
    return {
      trades: found.trades.map(described),
      aggregate: described(found.aggregateTrade),
      liquidity: found.liquidities.map((one) => text(one.type)),
      error: text(found.msg),
    };
  } catch (error) {
    return { trades: [], aggregate: null, liquidity: [], error: text(error.message) || "unnamed error" };
  }
}

/** Processor seconds, of all threads, for `work` over every item, `passes` times; what it throws is part of it. */
function timed(items, passes, work) {
  const started = process.cpuUsage();
  for (let pass = 0; pass < passes; pass += 1) {
    for (const item of items) {
      try {
        work(item);
      } catch {
        continue;
      }
    }
  }
  const used = process.cpuUsage(started);
  return (used.user + used.system) / 1e6;
}

function measure(parser, bodies, passes) {
  const objects = bodies.flatMap((body) => {
    try {
      return [open(body)];
    } catch {
      return [];
    }
  });
  const fromText = (body) => parser.parseAll(open(body));
  const fromObject = (object) => parser.parseTrades(object);
  // Code that has run a few thousand times is compiled; before that nobody would call it the parser's speed.
  const warmUp = Math.max(1, Math.ceil(3000 / bodies.length));
  timed(bodies, warmUp, fromText);
  timed(objects, warmUp, fromObject);
  return {
    transactions: bodies.length,
    objects: objects.length,
    from_bytes_seconds: timed(bodies, passes, fromText) / passes,
    from_objects_seconds: timed(objects, passes, fromObject) / passes,
  };
}

const parser = new DexParser();
// JSON.parse takes bytes as well as text, by way of text.
const bodies = readFileSync(bodiesFile, "utf8").split("\n").filter(Boolean).map((line) => Buffer.from(line));
if (task === "answers") {
  const lines = bodies.map((body) => JSON.stringify(answer(parser, body)));
  writeFileSync(argument, lines.map((line) => `${line}\n`).join(""));
} else {
  process.stdout.write(`${JSON.stringify(measure(parser, bodies, Number(argument)))}\n`);
}
