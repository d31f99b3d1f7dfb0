// SPDX-License-Identifier: Apache-2.0

// Package guard holds a log's signing key, and signs a checkpoint only if it is of the journal's own records and does
// not go back behind the largest that was ever signed.
//
// Checkpoints are made by Tessera, with its witnesses, of what the log's disk says. So it is not given the key: it is
// given a Guard, which computes each root again from the records and signs nothing else (guard.go). What was signed is
// kept in three places (highwater.go, copy.go): a file apart from store and log, the store, and where configured a copy
// elsewhere. A journal that is older than what was signed, or other, is refused with ErrFork.
package guard
