// SPDX-License-Identifier: Apache-2.0

// Package timestamp makes RFC 3161 requests for the time of a log's checkpoint
// and checks the tokens that come back, with the network off.
//
//	checkpoint (signed note) ── SHA-256 ──▶ messageImprint ── TSTInfo ── messageDigest ──▶ signedAttrs
//	signedAttrs ── RSA or ECDSA ──▶ signer's certificate (ESSCertID) ── issued by ──▶ a certificate that was pinned
//
// A token is the statement of an authority, which knows nothing about the log,
// that the bytes existed at its genTime. It is a second anchor, in addition to
// the chain, and like the chain it covers every record below the checkpoint.
//
// [Verify] (verify.go) reads strict DER with golang.org/x/crypto/cryptobyte
// (token.go, certificate.go, signature.go, oid.go). It refuses what it does not
// need; it skips only what RFC 5652 lets authorities add and what is signed
// anyhow. It does not use crypto/x509, which links package net: the auditor's
// program must not link that (docs/decisions/0011-time-stamps.md). Memory is
// bounded by the token, of at most [MaxTokenBytes].
//
// TestVerify has an authority of each kind of key, TestRefused each reason to
// refuse, TestEveryBit each bit of a token, FuzzVerify the rest; TestOpenSSL
// compares requests, tokens and verdicts with another implementation.
package timestamp
