// SPDX-License-Identifier: Apache-2.0

// Package devchain is the embedded default chain: a real EVM node
// (go-ethereum) in this process, with a data directory, and JSON-RPC over HTTP
// on the loopback interface alone.
//
// It makes a block for each transaction, and calls a block final when it is on
// disk: a kill at any moment loses no final block (TestKill). It proves nothing
// against whoever runs it, since they can make any chain that they like: proofs
// from it are not vouched for, and every program that shows one says so.
//
// It differs from go-ethereum's development mode in three ways. That mode keeps
// new blocks in memory and writes them when it is closed; here, each is flushed.
// Its finalized block moves every 32 blocks; here, it follows the disk. And its
// genesis turns on forks that main networks do not have yet, which changes what
// gas costs; here, they are off.
package devchain
