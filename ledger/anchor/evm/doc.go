// SPDX-License-Identifier: Apache-2.0

// Package evm anchors checkpoints on any EVM chain over JSON-RPC. [Client]
// implements anchor.Chain for one publisher's key and one AnchorRegistry
// contract, whose source and artefact are in the directory contract.
//
// Requests go through go-retryablehttp: when a node answers 5xx or 429, or drops
// the connection, the same bytes are sent again. An error inside a JSON-RPC
// answer is final. URLs of nodes often contain keys: no error and no log line
// repeats them (TestURLStaysSecret).
package evm
