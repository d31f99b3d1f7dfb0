// SPDX-License-Identifier: Apache-2.0

// Package wire turns the nouns of package assay into the protocol's messages
// and back, and holds the codec that client and server share. It has no I/O
// and no state; TestRoundTrip and FuzzReadEvent hold it to losing nothing.
package wire
