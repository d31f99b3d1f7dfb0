// SPDX-License-Identifier: Apache-2.0

// Package snapshot keeps the rows of windows outside memory: it takes snapshots of the tables of a plan while they are
// in use, lists the rows that are stored, and puts a row back into memory when an event first needs it. It reads and
// writes no file; whoever stores rows gives it the means to read one.
//
//	Tables ──Begin──▶ Snapshot ──Step, Take──▶ Row ──stored──▶ Entry
//	   ▲                  │                                      │
//	   │                  └──────────── Changes ◀────────────────┘
//	   └── Done ◀── Directory ◀── Apply ──┘
//
// A row is the state of one key in one table. Its bytes depend on the events of its key and on erasures alone, so that
// every machine that has seen the same records stores the same rows, however often it was started anew and whatever
// snapshots it has taken. The digest of a directory is a Merkle root over them:
//
//	row        SHA-256("assay/window-row/v1\n" || table uint32 || length of the key uint32 || key || bytes)
//	group      SHA-256("assay/window-rows/v1\n" || hashes of its rows)
//	node       SHA-256("assay/window-node/v1\n" || left || right)
//
// Rows are in the order of table and key. A row whose key has a window.Hash that is divisible by 32 is the last of its
// group, and so is the last row. The root is over the groups' hashes as leaves; as in RFC 6962, the left side of a
// node has as many as the greatest power of two that is less than their number. The root of no rows is SHA-256 of the
// node's tag alone. Numbers are little-endian.
//
// A row that is dead at the time of a snapshot is not in its directory. It is dead when no read can see it any more,
// which depends on the horizon alone: the watermark less the lateness.
//
// TestHistories compares all this with a twin that keeps everything in memory and writes every row.
package snapshot
