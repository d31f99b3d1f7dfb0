// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/listing"
	"github.com/assayrisk/assay/ledger/journal/store"
)

// listedRecord is what the slow search of TestListsFindWhatRecordsSay knows of a record.
type listedRecord struct {
	micros  int64
	outcome assay.Outcome
	caller  string
	parties []string
	gone    bool // its owner was erased
}

// listHistory is a journal with what its lists should find.
type listHistory struct {
	t      *testing.T
	rng    *rand.Rand
	all    []listedRecord    // by number
	erased map[string]uint64 // party -> erasure
}

// fill appends records, each of an outcome, a caller and parties by chance.
func (h *listHistory) fill(j *Journal, n int) {
	h.t.Helper()
	for range n {
		seq, micros := j.TakeAt()
		h.own(seq)
		x := listedRecord{micros: micros, outcome: assay.Outcome(h.rng.IntN(5)), caller: fmt.Sprint("c", h.rng.IntN(3))}
		if h.rng.IntN(100) == 0 {
			x.caller = "rare"
		}
		r := decision(seq, fmt.Sprint("payer:", h.rng.IntN(9)))
		x.parties = []string{r.Subject, fmt.Sprint("payee:", h.rng.IntN(40))}
		if h.rng.IntN(5) == 0 {
			x.parties = append(x.parties, fmt.Sprint("card:", seq))
		}
		for _, name := range x.parties {
			p, err := j.Party(name)
			if err != nil {
				h.t.Fatal(err)
			}
			r.Parties = append(r.Parties, p)
		}
		r.Micros, r.Caller, r.Decision = micros, x.caller, decided(h.t, seq, x.outcome)
		if _, err := j.Append(h.t.Context(), seq, r); err != nil {
			h.t.Fatal(err)
		}
		h.all = append(h.all, x)
	}
}

// own counts the journal's own records below a number, which no list has.
func (h *listHistory) own(upto uint64) {
	for uint64(len(h.all)) < upto {
		h.all = append(h.all, listedRecord{gone: true})
	}
}

func (h *listHistory) erase(j *Journal, name string) {
	h.t.Helper()
	seq, _, err := j.Erase(h.t.Context(), name, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	h.erased[name] = seq
	for i := range h.all {
		if len(h.all[i].parties) > 0 && h.all[i].parties[0] == name {
			h.all[i].gone = true
		}
	}
	h.own(j.Stats().Durable)
}

// compare compares searches with a walk through all records.
func (h *listHistory) compare(j *Journal, when string) {
	h.t.Helper()
	for i, l := range someLists(h.rng, h.all) {
		want := walk(h.all, &l, h.erased)
		if got := searched(h.t, j, &l, uint64(len(h.all))); !slices.Equal(got, want) {
			h.t.Fatalf("%s: list %d, %+v: %d records, want %d\n%v\n%v", when, i, l, len(got), len(want), got, want)
		}
	}
}

// TestListsFindWhatRecordsSay compares searches with a walk through all records: while they wait, after a stop, with
// the index lost in part and in whole, and after erasures, one of them of a party that comes again.
func TestListsFindWhatRecordsSay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := &listHistory{t: t, rng: rand.New(rand.NewPCG(22, 1)), erased: map[string]uint64{}}
	j, stop := start(t, dir, Config{})
	h.fill(j, 1500)
	h.compare(j, "waiting")
	h.erase(j, "payer:3")
	h.compare(j, "waiting, after an erasure")
	h.fill(j, 700)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	j, stop = start(t, dir, Config{})
	waitListed(t, j)
	h.compare(j, "stored")
	h.erase(j, "payer:4")
	h.erase(j, "payee:5")
	h.compare(j, "stored, after erasures")
	h.fill(j, 300)
	h.compare(j, "stored and waiting")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for name, mark := range map[string][]byte{"index lost": nil, "index behind": {0, 0, 0, 0, 0, 0, 4, 4}} {
		editStore(t, dir, func(db *pebble.DB) error {
			if mark != nil {
				return db.Set(markKey(store.Listed), mark, pebble.Sync)
			}
			return db.Delete(markKey(store.Listed), pebble.Sync)
		})
		j, stop = start(t, dir, Config{})
		waitListed(t, j)
		h.compare(j, name)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := Fsck(t.Context(), dir, Config{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// decided is a decision with an outcome.
func decided(t *testing.T, seq uint64, o assay.Outcome) []byte {
	t.Helper()
	d, err := assay.ParseDecision(decision(seq, "").Decision)
	if err != nil {
		t.Fatal(err)
	}
	d.Outcome = o
	b, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// someLists are lists by each filter, and by some at once.
func someLists(rng *rand.Rand, all []listedRecord) (out []List) {
	from, to := AllTimes()
	at := func() int64 { return all[rng.IntN(len(all))].micros }
	out = append(out, List{From: from, To: to, AnyOutcome: true}, List{From: from, To: to, Outcome: assay.Failed},
		List{From: from, To: to, AnyOutcome: true, OwnOnly: true, Caller: "rare"},
		List{From: from, To: to, AnyOutcome: true, OwnOnly: true, Caller: "nobody"},
		List{From: to - 1, To: to, AnyOutcome: true},
		List{From: from, To: to, AnyOutcome: true, Party: "payee:nobody"})
	for _, p := range []string{"payer:3", "payer:4", "payer:5", "payee:5", "payee:6", "card:77"} {
		a, b := at(), at()
		out = append(out, List{From: from, To: to, AnyOutcome: true, Party: p},
			List{From: min(a, b), To: max(a, b) + 1, Outcome: assay.Outcome(rng.IntN(5)), Party: p},
			List{From: min(a, b), To: max(a, b) + 1, AnyOutcome: true, OwnOnly: true, Caller: "c1", Party: p},
			List{From: min(a, b), To: max(a, b) + 1, Outcome: assay.Outcome(rng.IntN(5)), OwnOnly: true, Caller: "c2"})
	}
	return out
}

// walk finds the records of a list among all. The payee that was erased is not found before its erasure.
func walk(all []listedRecord, l *List, erased map[string]uint64) (out []uint64) {
	for i, x := range all {
		if x.gone || x.micros < l.From || x.micros >= l.To || !l.AnyOutcome && x.outcome != l.Outcome ||
			l.OwnOnly && x.caller != l.Caller {
			continue
		}
		if at, ok := erased[l.Party]; l.Party == "" || slices.Contains(x.parties, l.Party) && (!ok || uint64(i) > at) {
			out = append(out, uint64(i))
		}
	}
	return out
}

// searched are the records that a search finds, each read to compare its time.
func searched(t *testing.T, j *Journal, l *List, upto uint64) (out []uint64) {
	t.Helper()
	x, err := j.Search(l)
	if err != nil {
		t.Fatal(err)
	}
	for at := uint64(0); at < upto; {
		first, end, err := x.Next(at)
		if err != nil {
			t.Fatal(err)
		}
		for at = first; at < min(end, upto); at++ {
			r, err := j.Get(at)
			if err == nil && r.CarriesDecision() && r.Micros >= l.From && r.Micros < l.To {
				out = append(out, at)
			}
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// waitListed waits until the index has the records from before the start.
func waitListed(t *testing.T, j *Journal) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if from, to := j.store.Unlisted(); from >= to {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the index of lists was not filled")
		}
	}
}

// TestOutcomeIsTheDecisions: the outcome that the index has is that of the whole decision.
func TestOutcomeIsTheDecisions(t *testing.T) {
	t.Parallel()
	for seq := range uint64(300) {
		for o := range assay.Recorded + 1 {
			if got, ok := listing.DecidedOutcome(decided(t, seq*seq*seq, o)); !ok || got != o {
				t.Fatalf("record %d: %s, %t, want %s", seq, got, ok, o)
			}
		}
	}
	b := decided(t, 1, assay.Approve)
	for n := range b {
		if _, err := assay.ParseDecision(b[:n]); err == nil {
			t.Fatal("a decision that is cut short")
		}
		listing.DecidedOutcome(b[:n]) // no panic
	}
	if canBeListed(ledger.Erasure) || !canBeListed(ledger.Failed) {
		t.Error("kinds")
	}
}
