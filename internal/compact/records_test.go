// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/eventparts"
)

// recordKinds are the kinds of record that the tests compress: the parts of the
// journal's records, with one dictionary for all three, and events.
var recordKinds = []string{
	"decision", // the personal part of a decision: digest, names, decision, vector, ids
	"fact",     // the personal part of another event
	"business", // the business part: party numbers, kind, time, member hashes, fields
	"event",    // an event in canonical bytes
}

// recordSet holds, by kind, the records of the synthetic world and the
// dictionaries for them, which are made from events generated from the plan.
type recordSet struct {
	dictionaries map[string]*Dictionary
	records      map[string][][]byte
	samples      [][]byte // of the journal's dictionary
}

var testRecords = sync.OnceValues(makeRecords)

func loadRecords(t testing.TB) *recordSet {
	t.Helper()
	r, err := testRecords()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func makeRecords() (*recordSet, error) {
	spec, err := features.ParseSpec(scf.Plan())
	if err != nil {
		return nil, err
	}
	spec.Label = nil // the world is too short for outcomes
	table, err := features.EventTable(spec, scf.New(scf.Config{Seed: 1, Events: 4000}).Events())
	if err != nil {
		return nil, err
	}
	defer table.Release()
	plan, _, err := features.Fit(context.Background(), spec, table, nil)
	if err != nil {
		return nil, err
	}
	samples, err := recordsOf(plan, generatedEvents(spec, 1200), 300)
	if err != nil {
		return nil, err
	}
	records, err := recordsOf(plan, scf.New(scf.Config{Seed: 2, Events: 8000}).Events(), 6000)
	if err != nil {
		return nil, err
	}
	r := &recordSet{dictionaries: map[string]*Dictionary{}, records: records,
		samples: slices.Concat(samples["decision"], samples["fact"], samples["business"])}
	shared, err := Make(r.samples)
	if err != nil {
		return nil, err
	}
	for _, kind := range recordKinds {
		r.dictionaries[kind] = shared
	}
	r.dictionaries["event"], err = Make(samples["event"])
	return r, err
}

// generatedEvents yields n events with random values for all fields of the plan.
func generatedEvents(spec *plantext.Spec, n int) iter.Seq[*assay.Event] {
	rng := rand.New(rand.NewPCG(3, 3))
	kinds := []string{spec.ScoredKind()}
	for _, f := range spec.Fields {
		for _, k := range f.On {
			if !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	return func(yield func(*assay.Event) bool) {
		at := time.Date(2022, 6, 1, 0, 0, 0, 0, time.UTC)
		for i := range n {
			at = at.Add(time.Duration(rng.Int64N(int64(time.Hour))))
			kind := kinds[rng.IntN(len(kinds))]
			if rng.IntN(2) == 0 {
				kind = spec.ScoredKind()
			}
			ev := &assay.Event{ID: fmt.Sprintf("%c-%d", 'A'+rng.IntN(26), i), Kind: kind,
				Time: at.Truncate(time.Microsecond)}
			for _, role := range spec.Entities {
				ev.Entities = append(ev.Entities, assay.Entity{Role: role, ID: fmt.Sprintf("%c-%06d", 'A'+rng.IntN(26),
					rng.IntN(1000))})
			}
			for j := range spec.Fields {
				f := &spec.Fields[j]
				if !spec.Carries(f, kind) {
					continue
				}
				v := assay.NumberValue(1 + math.Round(math.Exp(4+3*rng.NormFloat64())*100)/100)
				switch {
				case f.ValueKind() == assay.Text:
					v = assay.TextValue([]string{"food", "retail", "textiles", "chemicals"}[rng.IntN(4)])
				case f.ValueKind() == assay.Instant:
					v = assay.InstantValue(ev.Time.AddDate(0, 0, 30))
				case f.Max != nil && *f.Max <= 10000:
					v = assay.NumberValue(float64(rng.IntN(int(*f.Max))))
				}
				ev.Fields = append(ev.Fields, assay.Field{Name: f.Name, Value: v})
			}
			if !yield(ev) {
				return
			}
		}
	}
}

// recordsOf makes the records of the events after the first skip, by kind.
func recordsOf(plan *features.Plan, events iter.Seq[*assay.Event], skip int) (map[string][][]byte, error) {
	out, state, n := map[string][][]byte{}, plan.NewState(), 0
	m := recordMaker{plan: plan, rng: rand.New(rand.NewPCG(uint64(skip), 5)),
		bundle: &models.Bundle{Model: &models.Model{}, Digest: assay.Sum("bundle\n"), Scale: models.DefaultScale()}}
	for e := range events {
		ev := *e
		ev.Entities, ev.Fields = slices.Clone(e.Entities), slices.Clone(e.Fields)
		var vector *assay.Vector
		var err error
		if ev.Kind == plan.Event() {
			if err = plan.Validate(&ev); err == nil {
				var v assay.Vector
				v, err = plan.Vector(nil, &ev, state)
				vector = &v
			}
		} else {
			err = plan.Admit(&ev)
		}
		if err == nil {
			err = plan.Observe(&ev, state)
		}
		if err != nil {
			return nil, err
		}
		if n++; n <= skip {
			continue
		}
		decision := m.decide(&ev, vector)
		var parts eventparts.Business
		parts.Set(&ev, func(string) bool { return false })
		kind := "fact"
		if vector != nil {
			kind = "decision"
		}
		out[kind] = append(out[kind], m.personal(&ev, &parts, decision, vector))
		out["business"] = append(out["business"], m.business(&parts))
		out["event"] = append(out["event"], ev.AppendBinary(nil))
	}
	return out, nil
}

type recordMaker struct {
	plan   *features.Plan
	bundle *models.Bundle
	rng    *rand.Rand
	made   uint64
}

func (m *recordMaker) random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.rng.Uint32())
	}
	return b
}

// decide makes a decision as the server does, with a random margin.
func (m *recordMaker) decide(ev *assay.Event, vector *assay.Vector) *assay.Decision {
	m.made++
	d := &assay.Decision{Version: assay.DecisionVersion, Sequence: m.made, RequestID: "r-" + ev.ID, EventID: ev.ID,
		Micros: ev.Time.UnixMicro() + 2e6 + m.rng.Int64N(1e6), Outcome: assay.Recorded}
	if vector == nil {
		return d
	}
	d.Score = m.bundle.Score(-3 + 1.5*m.rng.NormFloat64())
	d.Plan, d.Policy, d.Vector = m.plan.Digest(), assay.Sum("policy\n"), vector.Digest()
	d.Outcome = assay.Approve
	if d.Score.PD > 0.1 {
		d.Outcome = []assay.Outcome{assay.Review, assay.Decline}[m.rng.IntN(2)]
		d.Rules = []string{[]string{"score-high", "limit-used", "watch-list"}[m.rng.IntN(3)]}
		groups := m.plan.Spec().Groups
		for _, g := range m.rng.Perm(len(groups))[:2+m.rng.IntN(3)] {
			d.Reasons = append(d.Reasons, assay.Reason{Code: groups[g].Code, Text: groups[g].Text,
				Contribution: m.rng.ExpFloat64()})
		}
	}
	return d
}

// business is the plaintext of the journal's business part.
func (m *recordMaker) business(parts *eventparts.Business) []byte {
	b := []byte{byte(len(parts.Members))}
	for i := range parts.Members {
		if b = append(b, byte(min(i, 1))); i > 0 { // the first owns the personal part
			b = append(b, m.random(16)...)
		}
	}
	return parts.AppendBinary(b)
}

// personal is the plaintext of the journal's personal part.
func (m *recordMaker) personal(ev *assay.Event, parts *eventparts.Business, d *assay.Decision,
	vector *assay.Vector) []byte {
	subject := "event:" + ev.ID
	if len(ev.Entities) > 0 {
		subject = ev.Entities[0].Role + ":" + ev.Entities[0].ID
	}
	var vectorBytes []byte
	if vector != nil {
		vectorBytes = vector.AppendBinary(nil)
	}
	b := m.random(32)
	for _, field := range [][]byte{[]byte(subject), []byte("caller-1"), []byte(d.RequestID), d.AppendBinary(nil),
		vectorBytes, parts.AppendPersonal(nil, ev)} {
		b = append(binary.AppendUvarint(b, uint64(len(field))), field...)
	}
	return b
}
