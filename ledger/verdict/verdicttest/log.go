// SPDX-License-Identifier: Apache-2.0

// Package verdicttest makes receipts and trust files, and changes them in every
// way that somebody who signs nothing could, for tests that hold verifiers to
// the same verdict.
package verdicttest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
)

// Log is a log in memory with a fixed key, whose records are one commit group.
type Log struct {
	Key      ledger.Key
	signer   ed25519.PrivateKey
	group    ledger.GroupTree
	receipts []assay.Receipt
}

// LogStart is when the log's first record was made.
var LogStart = time.Unix(1_700_000_000, 0)

// NewLog makes a log of n records. Logs of different names have different keys.
func NewLog(origin string, n int) *Log {
	l := &Log{signer: keyFromName(origin)}
	l.Key = ledger.NewKey(origin, l.signer.Public().(ed25519.PublicKey))
	var hashes []assay.Digest
	for i := range n {
		r := l.record(i)
		l.receipts = append(l.receipts, r)
		hashes = append(hashes, ledger.HashLeaf(r.Leaf))
	}
	l.group.Reset(hashes)
	return l
}

func keyFromName(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// record makes the openings and the leaf of one decision, or for each fifth
// record, of an activation.
func (l *Log) record(i int) assay.Receipt {
	r := assay.Receipt{Version: ledger.ReceiptVersion, Log: l.Key.Origin, Index: uint64(i)}
	x := assay.Vector{Plan: assay.Sum("plan\n"), Values: []float64{float64(i), 0.25, -3}}
	d := assay.Decision{
		Version: 1, Sequence: uint64(i), RequestID: fmt.Sprintf("request-%d", i), EventID: fmt.Sprintf("event-%d", i),
		Micros: LogStart.UnixMicro() + int64(i), Outcome: assay.Decline,
		Score: assay.Score{Model: assay.Sum("model\n"), Margin: 0.75, PD: 0.68, Points: 480, Grade: "E"},
		Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(), Rules: []string{"cut-off"},
		Reasons: []assay.Reason{{Code: "R1", Text: "Short history.", Contribution: 0.5}},
	}
	kind := ledger.Decision
	if i%5 == 4 {
		kind = ledger.Activation
		r.Decision = []byte("an activation's text")
	} else {
		r.Decision = must(d.MarshalBinary())
		r.Vector = x.AppendBinary(nil)
	}
	kd, kv := assay.Sum("kd", []byte{byte(i)}), assay.Sum("kv", []byte{byte(i)})
	r.DecisionKey, r.VectorKey = kd[:], kv[:]
	leaf := ledger.Leaf{Version: 1, Micros: d.Micros, Kind: kind, Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
		Decision: ledger.CommitDecision(r.DecisionKey, r.Decision), Vector: ledger.CommitVector(r.VectorKey, r.Vector)}
	r.Leaf = leaf.AppendBinary(nil)
	return r
}

// Promised is the receipt of record i before it is published.
func (l *Log) Promised(i int) assay.Receipt {
	r := l.receipts[i]
	p := ledger.Promise{Sequence: uint64(i), LeafHash: ledger.HashLeaf(r.Leaf), Count: uint32(len(l.receipts)),
		Path: l.group.AppendPath(nil, i)}
	copy(p.Signature[:], ed25519.Sign(l.signer, ledger.PromiseMessage(l.Key.Origin, 0, p.Count, l.group.Root())))
	r.Promise = p.AppendBinary(nil)
	return r
}

// Published is the receipt of record i under a checkpoint that the witnesses
// cosigned.
func (l *Log) Published(i int, by ...Witness) assay.Receipt {
	r := l.Promised(i)
	for _, h := range l.group.AppendPath(nil, i) {
		r.Inclusion = append(r.Inclusion, bytes.Clone(h[:]))
	}
	r.Checkpoint = l.checkpoint(by)
	return r
}

// Anchored is the receipt of record i with an anchor.
func (l *Log) Anchored(i int, b Block, by ...Witness) assay.Receipt {
	r := l.Published(i, by...)
	r.Anchor = must(json.Marshal(b.Proof(l.Head())))
	return r
}

// Head is the log's newest checkpoint.
func (l *Log) Head() anchor.Checkpoint {
	return anchor.Checkpoint{Checkpoint: ledger.Checkpoint{
		Origin: l.Key.Origin, Size: uint64(len(l.receipts)), Root: l.group.Root()}}
}

func (l *Log) checkpoint(by []Witness) []byte {
	cp := l.Head()
	body := ledger.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root}.String()
	b := []byte(body + "\n")
	b = append(b, noteLine(l.Key, ed25519.Sign(l.signer, []byte(body)))...)
	for _, w := range by {
		seconds := uint64(LogStart.Unix()) + w.After
		sig := binary.BigEndian.AppendUint64(nil, seconds)
		sig = append(sig, ed25519.Sign(keyFromName(w.Name), ledger.CosignatureMessage(body, seconds))...)
		b = append(b, noteLine(w.key(), sig)...)
	}
	return b
}

// noteLine is a signature line of a signed note.
func noteLine(k ledger.Key, sig []byte) string {
	raw := binary.BigEndian.AppendUint32(nil, k.Hash)
	return "\u2014 " + k.Origin + " " + base64.StdEncoding.EncodeToString(append(raw, sig...)) + "\n"
}

// Witness cosigns checkpoints.
type Witness struct {
	Name  string
	After uint64 // seconds after Made at which it saw the checkpoint
}

const algCosignature = 4

func (w Witness) raw() []byte {
	return append([]byte{algCosignature}, keyFromName(w.Name).Public().(ed25519.PublicKey)...)
}

func (w Witness) key() ledger.Key {
	h := sha256.Sum256(append([]byte(w.Name+"\n"), w.raw()...))
	return ledger.Key{Origin: w.Name, Hash: binary.BigEndian.Uint32(h[:])}
}

// VerifierKey is what a trust file lists.
func (w Witness) VerifierKey() string {
	return fmt.Sprintf("%s+%08x+%s", w.Name, w.key().Hash, base64.StdEncoding.EncodeToString(w.raw()))
}

// must is for what is made here and cannot fail.
func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}
