// SPDX-License-Identifier: Apache-2.0

// Package tilelog is the transparency log's directory: C2SP tlog-tiles, in the directory format of Tessera's POSIX
// driver, which may open the same directory.
//
//	in   leaves, in order, with their hashes ─▶ Writer.Add ─▶ full bundles and tiles (writer.go)
//	       Commit: the right edge, one sync of all that was written, then the tree state (files.go)
//	out  Dir: checkpoint, tree state, entries, inclusion and consistency proofs (dir.go)
//	       Comparison: all of it against leaves that the caller has (compare.go)
//
// The log is derived: its leaves are the journal's records, and who has those can build it again. Nothing here signs,
// and nothing decides what may be published. TestTilesAreTesseras compares every file with those of Tessera's own
// appender; TestTornTiles cuts the power in the middle of a batch.
package tilelog
