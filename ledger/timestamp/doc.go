// SPDX-License-Identifier: Apache-2.0

// Package timestamp makes RFC 3161 requests for the time of a log's checkpoint
// and checks the tokens that come back, with the network off.
//
//	checkpoint (signed note) ── SHA-256 ──▶ messageImprint ── TSTInfo ── messageDigest ──▶ signedAttrs
//	signedAttrs ── RSA or ECDSA ──▶ signer's certificate (ESSCertID) ── issued by ──▶ a certificate that was pinned
//
// A token says that the bytes existed at its genTime, by the word of an
// authority that knows nothing of the log. It is a second anchor beside the
// chain, and like the chain it covers every record below the checkpoint.
//
// [Verify] reads strict DER with golang.org/x/crypto/cryptobyte: what it does
// not need it refuses or, where RFC 5652 lets authorities add what is signed
// anyhow, skips. It does not use crypto/x509, which links package net, and the
// auditor's program links none (docs/decisions/0011-time-stamps.md). Memory is
// bounded by the token, of at most [MaxTokenBytes].
//
// TestVerify has an authority of each kind of key, TestRefused each reason to
// refuse, TestEveryBit each bit of a token, FuzzVerify the rest; TestOpenSSL
// holds requests, tokens and verdicts to another implementation.
package timestamp
