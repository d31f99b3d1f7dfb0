// SPDX-License-Identifier: Apache-2.0

// Package guard holds a log's signing key (logkey.go), and signs a checkpoint only if it is of the journal's own
// records and not smaller than the largest that was ever signed.
//
// Tessera makes checkpoints, with its witnesses, of what is in the log's directory, which may have been changed. So it
// does not get the key, but a Guard, which computes each root again from the records and signs nothing else (guard.go).
// What was signed is kept in three places (highwater.go, copy.go): a file outside of store and log, the store, and if
// configured a copy elsewhere. A journal that is older than what was signed, or differs from it, is refused with
// ErrFork.
package guard
