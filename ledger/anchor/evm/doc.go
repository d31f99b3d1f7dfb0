// SPDX-License-Identifier: Apache-2.0

// Package evm anchors checkpoints on any EVM chain over JSON-RPC. [Client]
// implements anchor.Chain for one publisher's key and one AnchorRegistry
// contract, whose source and artefact are in the directory contract.
//
// Requests go through go-retryablehttp: a node that answers 5xx or 429, or
// drops the connection, is asked again with the same bytes. An error inside a
// JSON-RPC answer is not asked again. URLs of nodes often carry keys: they are
// in no error and no log line (TestURLStaysSecret).
package evm
