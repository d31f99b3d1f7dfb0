// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger/journal"
)

// sampleRecords is how many records a dictionary is made from.
const sampleRecords = 400

// useDictionary has the journal compress records with a dictionary that is made for a model: from records of events
// that are generated from its plan. The same model makes the same dictionary at every start. Without one, records are
// stored as they are.
func (e *Engine) useDictionary(m *Model) {
	err := e.journal.UseDictionary(newSampler(m).records(sampleRecords))
	if err != nil {
		e.log.Warn("records are not compressed", "plan", m.PlanDigest.Short(), "error", err)
	}
}

// sampler makes records of events that nobody sent: their names, numbers and times are drawn, their texts are those
// that the plan lists.
type sampler struct {
	model  *Model
	state  *features.State
	fields []features.FieldInfo
	kinds  []string
	rng    *rand.Rand
	at     time.Time
}

func newSampler(m *Model) *sampler {
	s := &sampler{model: m, state: m.Plan.NewState(), fields: m.Plan.Fields(), kinds: []string{m.Plan.Event()},
		rng: rand.New(rand.NewPCG(1, 1)), at: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range s.fields {
		for _, kind := range s.fields[i].On {
			if !slices.Contains(s.kinds, kind) {
				s.kinds = append(s.kinds, kind)
			}
		}
	}
	return s
}

// records returns n records; events that the plan does not accept are left out.
func (s *sampler) records(n int) []*journal.Record {
	out := make([]*journal.Record, 0, n)
	for i := range n {
		kind := s.model.Plan.Event()
		if len(s.kinds) > 1 && i%3 == 2 {
			kind = s.kinds[s.rng.IntN(len(s.kinds))]
		}
		if r, err := s.record(uint64(i), s.event(i, kind)); err == nil {
			out = append(out, r)
		}
	}
	return out
}

// event draws an event of a kind.
func (s *sampler) event(i int, kind string) *assay.Event {
	s.at = s.at.Add(time.Duration(s.rng.Int64N(int64(time.Hour)))).Truncate(time.Microsecond)
	ev := &assay.Event{ID: s.name(i), Kind: kind, Time: s.at}
	for _, role := range s.model.Plan.Roles() {
		ev.Entities = append(ev.Entities, assay.Entity{Role: role, ID: s.name(s.rng.IntN(1000))})
	}
	for j := range s.fields {
		f := &s.fields[j]
		if slices.Contains(f.On, kind) && (f.Required || s.rng.IntN(4) > 0) {
			ev.Fields = append(ev.Fields, assay.Field{Name: f.Name, Value: s.value(f)})
		}
	}
	return ev
}

// name draws a name of a letter and a number.
func (s *sampler) name(i int) string { return fmt.Sprintf("%c-%06d", 'A'+rune(s.rng.IntN(26)), i) }

// value draws a value that a field may have.
func (s *sampler) value(f *features.FieldInfo) assay.Value {
	switch f.Kind {
	case assay.Text:
		texts := f.Values
		if len(texts) == 0 {
			texts = f.Categories
		}
		if len(texts) == 0 {
			return assay.TextValue(s.name(s.rng.IntN(1000)))
		}
		return assay.TextValue(texts[s.rng.IntN(len(texts))])
	case assay.Flag:
		return assay.FlagValue(s.rng.IntN(2) == 0)
	case assay.Instant:
		return assay.InstantValue(s.at.AddDate(0, 0, s.rng.IntN(90)))
	}
	x := math.Round(math.Exp(5+2*s.rng.NormFloat64())*100) / 100
	if f.Max < 1e6 { // a score, a share or a count, more likely than an amount
		x = f.Max * s.rng.Float64()
		if f.Max >= 100 {
			x = math.Round(x)
		}
	}
	return assay.NumberValue(min(max(x, f.Min), f.Max))
}

// record decides an event, and makes its record, as for a request.
func (s *sampler) record(seq uint64, ev *assay.Event) (*journal.Record, error) {
	r := &Request{Key: Key{Caller: "caller", RequestID: s.name(int(seq))}, Model: s.model, Event: ev, Sequence: seq,
		Fact: ev.Kind != s.model.Plan.Event()}
	if err := r.validate(); err != nil {
		return nil, err
	}
	r.eventBytes = ev.AppendBinary(nil)
	r.body = assay.Sum(BodyTag, r.bodyPrefix(), r.eventBytes)
	r.business.Set(ev, s.model.Plan.Personal)
	r.businessBytes = r.business.AppendBinary(nil)
	r.personalBytes = r.business.AppendPersonal(nil, ev)
	if !r.Fact {
		var err error
		if r.vector, err = s.model.Plan.VectorOf(nil, r.fields, ev, s.state); err != nil {
			return nil, err
		}
	}
	if err := s.model.Plan.Observe(ev, s.state); err != nil {
		return nil, err
	}
	r.startDecision(ev.Time.UnixMicro() + s.rng.Int64N(1e7))
	if !r.Fact {
		if err := r.score(); err != nil {
			return nil, err
		}
	}
	r.completeRecord()
	return &r.record, nil
}
