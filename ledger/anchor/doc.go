// SPDX-License-Identifier: Apache-2.0

// Package anchor writes a log's checkpoints to a contract on an EVM chain, and
// checks, with the network off, the proof that one was written.
//
// The two halves share only the formats. The verification half is
// [VerifyProof] and what it calls: no store, no clock, no network, and of
// go-ethereum only rlp and crypto (TestVerifierDependencies). The submission
// half is [Anchor]: a timer, a directory of small synced files, and the [Chain]
// interface, which package evm implements over JSON-RPC.
//
// # What a proof shows
//
//	checkpoint (size, root) ── storage proof ──▶ account's storage root
//	contract's address      ── account proof ──▶ state root
//	state root              ── header RLP    ──▶ block hash
//	block hash              ── evidence      ──▶ who vouches for the block
//
// The last line decides what the proof is worth, and [Result] says it: the
// block's hash was pinned by whoever checks, k of n known validators sealed
// the header (QBFT), or it is not vouched for: then the proof agrees with
// itself, and anybody could have made it. The format is drawn in docs/formats/anchor.md; TestTamper
// shows that each changed byte is found.
//
// # Exactly once
//
// The signed raw transaction is stored and synced before it is sent. After a
// crash, the same bytes are sent again, and the contract's head decides what
// has happened: it accepts a checkpoint only on top of the one that the
// transaction names, so no checkpoint can be anchored twice or out of order.
// A transaction that is stuck is replaced under the same nonce; a proof is
// taken only from a block that is final by the chain's own rule; a chain that
// loses blocks which it called final is given the stored transactions again.
// TestChainFaults has the table.
package anchor
