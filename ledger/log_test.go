// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"

	assay "github.com/assayrisk/assay"
)

// testLog is a log in memory with a fixed key, whose group tree is its tree.
type testLog struct {
	key      Key
	vkey     string
	skey     string
	signer   ed25519.PrivateKey
	group    GroupTree
	leaves   []Leaf
	openings []assay.Receipt // openings of each leaf
}

const testOrigin = "log.example/decisions"

func newTestLog(t testing.TB, n int) *testLog {
	t.Helper()
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	l := &testLog{signer: ed25519.NewKeyFromSeed(seed)}
	l.key = NewKey(testOrigin, l.signer.Public().(ed25519.PublicKey))
	l.vkey = l.key.String()
	l.skey = fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", testOrigin, l.key.Hash,
		base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, seed...)))
	var hashes []assay.Digest
	for i := range n {
		r := assay.Receipt{Version: ReceiptVersion, Log: testOrigin, Index: uint64(i)}
		x := assay.Vector{Plan: assay.Sum("plan\n"), Values: []float64{float64(i), 0.25, -3}}
		d := assay.Decision{
			Version: 1, Sequence: uint64(i), RequestID: fmt.Sprintf("request-%d", i),
			EventID: fmt.Sprintf("event-%d", i),
			Micros:  1_700_000_000_000_000 + int64(i), Outcome: assay.Decline,
			Score: assay.Score{Model: assay.Sum("model\n"), Margin: 0.75, PD: 0.68, Points: 480, Grade: "E"},
			Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(), Rules: []string{"cut-off"},
			Reasons: []assay.Reason{{Code: "R1", Text: "Short history.", Contribution: 0.5}},
		}
		r.Decision, _ = d.MarshalBinary()
		r.Vector = x.AppendBinary(nil)
		kd, kv := assay.Sum("kd", []byte{byte(i), byte(i >> 8)}), assay.Sum("kv", []byte{byte(i), byte(i >> 8)})
		r.DecisionKey, r.VectorKey = kd[:], kv[:]
		leaf := Leaf{Version: 1, Micros: d.Micros, Kind: Decision, Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
			Decision: CommitDecision(r.DecisionKey, r.Decision), Vector: CommitVector(r.VectorKey, r.Vector)}
		r.Leaf = leaf.AppendBinary(nil)
		l.leaves, l.openings = append(l.leaves, leaf), append(l.openings, r)
		hashes = append(hashes, HashLeaf(r.Leaf))
	}
	l.group.Reset(hashes)
	return l
}

func (l *testLog) sign(t testing.TB, text string) []byte {
	t.Helper()
	s, err := note.NewSigner(l.skey)
	if err != nil {
		t.Fatal(err)
	}
	b, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// receipt makes the receipt of leaf i: the whole log is one commit group.
func (l *testLog) receipt(t testing.TB, i int) *assay.Receipt {
	t.Helper()
	r := l.openings[i]
	path := l.group.AppendPath(nil, i)
	p := Promise{Sequence: uint64(i), LeafHash: HashLeaf(r.Leaf), Count: uint32(len(l.leaves)), Path: path}
	copy(p.Signature[:], ed25519.Sign(l.signer, PromiseMessage(testOrigin, 0, p.Count, l.group.Root())))
	r.Promise = p.AppendBinary(nil)
	for _, h := range path {
		r.Inclusion = append(r.Inclusion, bytes.Clone(h[:]))
	}
	r.Checkpoint = l.sign(t, Checkpoint{Origin: testOrigin, Size: uint64(len(l.leaves)), Root: l.group.Root()}.String())
	return &r
}

// clone copies a receipt deeply.
func clone(r *assay.Receipt) *assay.Receipt {
	c := *r
	for _, p := range []*[]byte{&c.Decision, &c.Vector, &c.DecisionKey, &c.VectorKey, &c.Leaf,
		&c.Promise, &c.Checkpoint} {
		*p = bytes.Clone(*p)
	}
	c.Inclusion = nil
	for _, h := range r.Inclusion {
		c.Inclusion = append(c.Inclusion, bytes.Clone(h))
	}
	return &c
}

// refusedAt returns the first refused step, "" if none.
func refusedAt(fs []Finding) string {
	for _, f := range fs {
		if f.State == Refused {
			return f.Step
		}
	}
	return ""
}
