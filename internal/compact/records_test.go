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
	windows "github.com/assayrisk/assay/features/window"
	"github.com/assayrisk/assay/models"
)

// recordKinds are the kinds of record that the tests compress.
var recordKinds = []string{
	"scored",   // an application, its decision and its vector, in canonical bytes
	"recorded", // another event, and its decision
	"personal", // of an application: digests, ids, names, score, rules, reasons and vector
	"business", // kind, time, party numbers, member hashes and numbers
	"event",    // an event in canonical bytes
}

// recordSet holds, by kind, the records of the synthetic world and the
// dictionaries for them, which are made from events generated from the plan.
type recordSet struct {
	dictionaries     map[string]*Dictionary
	samples, records map[string][][]byte
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
	r := &recordSet{dictionaries: map[string]*Dictionary{}}
	if r.samples, err = recordsOf(plan, generatedEvents(spec, 1200), 300); err != nil {
		return nil, err
	}
	if r.records, err = recordsOf(plan, scf.New(scf.Config{Seed: 2, Events: 8000}).Events(), 6000); err != nil {
		return nil, err
	}
	for _, kind := range recordKinds {
		if r.dictionaries[kind], err = Make(r.samples[kind]); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return r, nil
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
		event := ev.AppendBinary(nil)
		out["event"] = append(out["event"], event)
		out["business"] = append(out["business"], m.business(&ev))
		event = decision.AppendBinary(slices.Clone(event))
		if vector == nil {
			out["recorded"] = append(out["recorded"], event)
			continue
		}
		out["scored"] = append(out["scored"], vector.AppendBinary(event))
		out["personal"] = append(out["personal"], m.personal(&ev, decision, vector))
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

// business is what windows read: fields in the order of the plan, without names.
func (m *recordMaker) business(ev *assay.Event) []byte {
	b := append([]byte{byte(len(ev.Kind))}, ev.Kind...)
	b = binary.LittleEndian.AppendUint64(b, uint64(ev.Time.UnixMicro()))
	for i := range ev.Entities {
		b = append(b, byte(i))
		b = append(b, m.random(16)...)
		b = binary.LittleEndian.AppendUint64(b, windows.Hash(ev.Entities[i].ID))
	}
	for i := range ev.Fields {
		v := &ev.Fields[i].Value
		switch v.Kind {
		case assay.Number:
			b = binary.LittleEndian.AppendUint64(append(b, byte(i)), math.Float64bits(v.Number()))
		case assay.Instant:
			b = binary.LittleEndian.AppendUint64(append(b, byte(i)), uint64(v.Micros()))
		case assay.Text:
			b = append(append(b, byte(i), byte(len(v.Text()))), v.Text()...)
		}
	}
	return b
}

// personal is what ends with the subject's key.
func (m *recordMaker) personal(ev *assay.Event, d *assay.Decision, vector *assay.Vector) []byte {
	text := func(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }
	b := text(text(text(m.random(32), "caller-1"), "r-"+ev.ID), ev.ID)
	for i := range ev.Entities {
		b = text(b, ev.Entities[i].ID)
	}
	b = append(b, byte(d.Outcome))
	for _, x := range []float64{d.Score.Margin, d.Score.PD, d.Score.Points} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	b = text(b, d.Score.Grade)
	for _, rule := range d.Rules {
		b = text(b, rule)
	}
	for i := range d.Reasons {
		b = text(text(b, d.Reasons[i].Code), d.Reasons[i].Text)
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(d.Reasons[i].Contribution))
	}
	for _, x := range vector.Values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	}
	return b
}
