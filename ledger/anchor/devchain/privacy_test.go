// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/rlp"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/journal"
)

// published is everything about a log that strangers can read.
type published struct {
	log     []byte // tiles, entry bundles and checkpoint
	blocks  []byte // headers and transactions, as RLP
	events  []byte // what contracts logged: address, topics, data
	storage []byte // code hash and slots of every account after every block
	proofs  []byte // the anchors' own files, with what is base64 in them decoded
}

func (p *published) all() []byte {
	return bytes.Join([][]byte{p.log, p.blocks, p.events, p.storage, p.proofs}, nil)
}

// TestDictionaryAttack is an attacker who knows everything about a decision except
// its score. It tries every likely score, and looks for the resulting hashes in
// everything that the log and the chain publish. With commitments under the
// record's own key it finds nothing. With plain hashes, or a public key, it would
// find the decision: that is the control, for each place that is searched.
// ASSAY_DICTIONARY sets the size.
func TestDictionaryAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	pub, secret := publish(t)
	size := 20_000
	if v, err := strconv.Atoi(os.Getenv("ASSAY_DICTIONARY")); err == nil {
		size = v
	}
	dictionary := guesses(t, secret, size)
	search := func(public []byte) (hits int) {
		for i := 0; i+32 <= len(public); i++ {
			if _, ok := dictionary[[32]byte(public[i:i+32])]; ok {
				hits++
			}
		}
		return hits
	}
	control := ledger.Leaf{Version: 1, Kind: ledger.Decision, Decision: sha256.Sum256(secret)}
	for _, s := range []struct {
		name string
		b    []byte
	}{{"log", pub.log}, {"blocks", pub.blocks}, {"events", pub.events}, {"storage", pub.storage},
		{"anchors", pub.proofs}} {
		if hits := search(s.b); hits != 0 {
			t.Errorf("%s: %d hits in what is public", s.name, hits)
		}
		if hits := search(control.AppendBinary(bytes.Clone(s.b))); hits != 1 {
			t.Errorf("%s: the control with a plain hash: %d hits, want 1", s.name, hits)
		}
		t.Logf("%-8s %9d bytes, %d guesses: 0 hits; control without salt: 1", s.name, len(s.b), size)
		t.Logf("COUNT dictionary_searched_%s %d", s.name, len(s.b))
	}
	t.Logf("COUNT dictionary_guesses %d", size)
	t.Logf("COUNT dictionary_hits %d", 0)
	for what, b := range map[string][]byte{"request id": []byte("request-123"),
		"subject": []byte("subject-"), "decision": secret} {
		if bytes.Contains(pub.all(), b) {
			t.Errorf("the %s is public", what)
		}
	}
}

// guesses hashes the decision with every likely score, the true one among
// them, in each way that needs no key of the record.
func guesses(t *testing.T, secret []byte, size int) map[[32]byte]struct{} {
	t.Helper()
	d, err := assay.ParseDecision(secret)
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 32)
	out := make(map[[32]byte]struct{}, 5*size)
	right := false
	for i := range size {
		guess := d
		guess.Score.PD = float64(i) / float64(size)
		if i == size/2 {
			guess.Score.PD = d.Score.PD
		}
		b, err := guess.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		right = right || bytes.Equal(b, secret)
		for _, h := range [][32]byte{sha256.Sum256(b), assay.Sum("assay/commit/decision/v1\n", b),
			ledger.CommitDecision(nil, b), ledger.CommitDecision(zero, b), ledger.CommitDecision(d.Plan[:], b)} {
			out[h] = struct{}{}
		}
	}
	if !right {
		t.Fatal("the truth is not in the dictionary: the attack cannot succeed")
	}
	return out
}

// publish logs 300 decisions, anchors the log three times as it grows, and collects
// everything that is public then. It returns that and the bytes of one decision.
func publish(t *testing.T) (*published, []byte) {
	t.Helper()
	ctx, dir := testContext(t), t.TempDir()
	j, err := journal.Open(ctx, dir, journal.Config{Origin: origin, Logger: slog.New(slog.DiscardHandler),
		Interval: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- j.Run(run) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	e, err := Start(ctx, dir, origin, source{j}, Config{}, anchor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var secret []byte
	pub := new(published)
	for round := range 3 {
		for range 100 {
			seq := j.Take()
			r := newDecision(t, seq)
			if seq == 123 {
				secret = r.Decision
			}
			if _, err := j.Append(ctx, seq, r); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.WaitPublished(ctx, uint64(100*(round+1))); err != nil {
			t.Fatal(err)
		}
		done, err := e.Anchor.AnchorNow(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p, err := anchor.ParseProof(done.Proof)
		if err != nil {
			t.Fatal(err)
		}
		pub.proofs = append(append(pub.proofs, done.Proof...), p.Header...)
		pub.proofs = append(pub.proofs, bytes.Join(p.Nodes, nil)...)
		root := done.Checkpoint.Root
		pub.chain(t, e.Chain)
		if !bytes.Contains(pub.storage, root[:]) || !bytes.Contains(pub.events, root[:]) ||
			!bytes.Contains(pub.blocks, root[:]) {
			t.Fatal("the anchored root is not in what was gathered of the chain: the search would look at the wrong " +
				"bytes")
		}
	}
	pub.log, pub.proofs = tree(t, filepath.Join(dir, "log")),
		append(pub.proofs, tree(t, filepath.Join(dir, "anchor"))...)
	receipt, err := j.Receipt(ctx, 123)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(pub.log, receipt.Leaf) {
		t.Fatal("the leaf is not in what was gathered of the log")
	}
	return pub, secret
}

// chain collects all blocks, events and states again.
func (p *published) chain(t *testing.T, c *Chain) {
	t.Helper()
	bc := c.eth.BlockChain()
	p.blocks, p.events, p.storage = nil, nil, nil
	for n := range bc.CurrentBlock().Number.Uint64() + 1 {
		b := bc.GetBlockByNumber(n)
		raw, err := rlp.EncodeToBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		p.blocks = append(p.blocks, raw...)
		for _, r := range bc.GetReceiptsByHash(b.Hash()) {
			for _, l := range r.Logs {
				p.events = append(p.events, l.Address[:]...)
				for _, topic := range l.Topics {
					p.events = append(p.events, topic[:]...)
				}
				p.events = append(p.events, l.Data...)
			}
		}
		p.state(t, state.NewDatabase(bc.TrieDB(), nil), b.Root())
	}
}

// state collects each slot of each account.
func (p *published) state(t *testing.T, db state.Database, root common.Hash) {
	t.Helper()
	all, err := db.Iteratee(root)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := all.NewAccountIterator(common.Hash{})
	if err != nil {
		t.Fatal(err)
	}
	defer accounts.Release()
	for accounts.Next() {
		p.storage = append(p.storage, accounts.Hash().Bytes()...)
		p.storage = append(p.storage, accounts.Account().CodeHash...)
		slots, err := all.NewStorageIterator(accounts.Hash(), common.Hash{})
		if err != nil {
			t.Fatal(err)
		}
		for slots.Next() {
			v := slots.Slot()
			p.storage = append(p.storage, v[:]...)
		}
		err = slots.Error()
		slots.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := accounts.Error(); err != nil {
		t.Fatal(err)
	}
}

// tree reads every file below dir.
func tree(t *testing.T, dir string) (out []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		out = append(out, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// source is the journal as the anchor sees it.
type source struct{ *journal.Journal }

func (s source) Checkpoint(context.Context) ([]byte, error) {
	note, _ := s.Journal.Checkpoint()
	return note, nil
}

// newDecision makes a record whose decision and vector agree.
func newDecision(t *testing.T, seq uint64) *journal.Record {
	t.Helper()
	x := assay.Vector{Plan: assay.Sum("plan\n"), Values: []float64{float64(seq), 0.5, 3}}
	d := assay.Decision{
		Version: 1, Sequence: seq, RequestID: fmt.Sprintf("request-%d", seq), EventID: fmt.Sprintf("event-%d", seq),
		Micros: 1_700_000_000_000_000 + int64(seq), Outcome: assay.Approve,
		Score: assay.Score{Model: assay.Sum("model\n"), Margin: -1.5, PD: 0.18, Points: 612, Grade: "B"},
		Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(),
	}
	b, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return &journal.Record{
		Kind: ledger.Decision, Micros: d.Micros, Subject: fmt.Sprintf("subject-%d", seq%17), Caller: "bank",
		RequestID: d.RequestID,
		Body:      assay.Sum("body\n", []byte(d.RequestID)), Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
		Decision: b, Vector: x.AppendBinary(nil), Private: []byte("event of a subject"),
	}
}
