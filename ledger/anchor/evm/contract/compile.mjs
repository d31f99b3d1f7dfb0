// SPDX-License-Identifier: Apache-2.0
//
// Compiles AnchorRegistry.sol into AnchorRegistry.json, or, with --check, says
// whether the committed artefact is what the source compiles to.
//
//   node compile.mjs [--check]
//
// The compiler is the npm package solc, at the version that the pragma pins.
// It is looked for under SOLC_MODULES (a directory that holds node_modules).
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(process.env.SOLC_MODULES ?? here, "package.json"));
const solc = require("solc");

const source = readFileSync(join(here, "AnchorRegistry.sol"), "utf8");
const want = /pragma solidity ([0-9.]+);/.exec(source)[1];
if (!solc.version().startsWith(want + "+")) {
  console.error(`solc ${solc.version()} is installed, the contract pins ${want}: npm install solc@${want}`);
  process.exit(2);
}
const out = JSON.parse(solc.compile(JSON.stringify({
  language: "Solidity",
  sources: { "AnchorRegistry.sol": { content: source } },
  settings: {
    // paris: no PUSH0, so that older consortium chains run it too.
    evmVersion: "paris",
    optimizer: { enabled: true, runs: 10000 },
    // No metadata in the code: its hash then depends on the source's meaning alone.
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"] } },
  },
})));
for (const e of out.errors ?? []) console.error(e.formattedMessage);
if ((out.errors ?? []).length) process.exit(1);

const c = out.contracts["AnchorRegistry.sol"].AnchorRegistry;
const layout = c.storageLayout;
const artefact = {
  contract: "AnchorRegistry",
  compiler: solc.version(),
  evmVersion: "paris",
  optimizerRuns: 10000,
  abi: c.abi,
  bytecode: "0x" + c.evm.bytecode.object,
  runtime: "0x" + c.evm.deployedBytecode.object,
  storage: [
    ...layout.storage.map((s) => ({ name: s.label, slot: s.slot, offset: s.offset })),
    ...Object.entries(layout.types).filter(([k]) => k.startsWith("t_struct(Log)"))
      .flatMap(([, t]) => t.members.map((m) => ({ name: "Log." + m.label, slot: m.slot, offset: m.offset }))),
  ],
};
const text = JSON.stringify(artefact, null, 1) + "\n";
const file = join(here, "AnchorRegistry.json");
if (process.argv.includes("--check")) {
  if (readFileSync(file, "utf8") !== text) {
    console.error("AnchorRegistry.json is not what AnchorRegistry.sol compiles to: run node compile.mjs");
    process.exit(1);
  }
  console.log("AnchorRegistry.json is current");
} else {
  writeFileSync(file, text);
}
