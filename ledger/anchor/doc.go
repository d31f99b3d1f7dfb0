// SPDX-License-Identifier: Apache-2.0

// Package anchor writes a log's checkpoints to a contract on an EVM chain, and
// checks, with the network off, the proof that one was written.
//
// The two halves share only the formats (checkpoint.go, proof.go, head.go,
// address.go).
//
//	verification  VerifyProof and what it calls: no store, no clock, no network, and of go-ethereum only
//	              rlp and crypto (TestVerifierDependencies)
//	                verify.go   the checks in their order, and what a proof is worth
//	                header.go   the block's header
//	                trie.go     the walk from a root to a value
//	                qbft.go     validators' seals
//	submission    Anchor: a timer, a directory of small synced files, and the Chain interface, which package
//	              evm implements over JSON-RPC
//	                anchor.go         opening, the timer, what is anchored
//	                round.go          one round: the next step that can be done
//	                transaction.go    one transaction: signed, sent, raised, made anew
//	                contradiction.go  a node whose head contradicts the log must prove it
//	                confirm.go        before a start: is this the newest log that there is?
//	                state.go          how anchoring is doing
//	                store.go          the directory
//	                chain.go          the interface of a chain
//
// # What a proof shows
//
//	checkpoint (size, root) ── storage proof ──▶ account's storage root
//	contract's address      ── account proof ──▶ state root
//	state root              ── header RLP    ──▶ block hash
//	block hash              ── evidence      ──▶ who vouches for the block
//
// The last line decides what the proof is worth, and [Result] reports it: the
// verifier pinned the block's hash, or k of n known validators sealed the header
// (QBFT), or nobody vouches for the block. In the last case the proof agrees with
// itself, but anybody could have made it. The format is drawn in
// docs/formats/anchor.md; TestTamper shows that each changed byte is found.
//
// # Exactly once
//
// The signed raw transaction is stored and synced before it is sent. After a
// crash, the same bytes are sent again, and the contract's head shows what
// happened: it accepts a checkpoint only on top of the one that the transaction
// names, so no checkpoint can be anchored twice or out of order. A stuck
// transaction is replaced under the same nonce. A proof is taken only from a
// block that is final by the chain's own rule; if the chain loses blocks that it
// called final, the stored transactions are sent again. TestChainFaults has the
// table of faults.
package anchor
