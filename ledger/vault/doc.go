// SPDX-License-Identifier: Apache-2.0

// Package vault holds the keys: commitments are made under them, private parts
// are encrypted under them, and erasing a subject means destroying its key.
//
//	master key (a file, or another program) ──wraps──▶ subject key (32 random bytes, one a subject)
//	subject key ──HKDF-Expand, sequence number──▶ decision key, vector key (commitments)
//	subject key ──HKDF-Expand──▶ sealing key (AES-256-GCM, random nonces)
//
// Of these keys, the vault keeps only the master key, behind the interface Keys:
// Master has it in a file, Program in another process. The journal
// keeps wrapped subject keys with its records, and TestErasedSubjectStaysErased
// there shows that, once a key is deleted and the master key replaced, neither
// the directory nor an older copy of it opens the subject's records. Whoever
// holds a receipt can check its commitments without the vault: a receipt carries
// its own two keys.
package vault
