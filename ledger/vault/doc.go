// SPDX-License-Identifier: Apache-2.0

// Package vault holds the keys: commitments hide under them, private parts are
// encrypted under them, and erasing a subject is destroying one.
//
//	master key (Tink keyset, file or KMS) ──wraps──▶ subject key (32 random bytes, one a subject)
//	subject key ──HKDF-Expand, sequence number──▶ decision key, vector key (commitments)
//	subject key ──HKDF-Expand──▶ sealing key (AES-256-GCM, random nonces)
//
// The vault does no storage of its own: the journal keeps wrapped subject keys
// beside its records, and TestErasedSubjectStaysErased there shows that, once a
// key is deleted and the master key replaced, neither the directory nor an
// older copy of it opens the subject's records. Commitments need no key to be
// checked by somebody who holds a receipt: a receipt carries its own two.
package vault
