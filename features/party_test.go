// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/features/window"
)

// partiesOf gives each entity of an event a number. generation tells a party from the one of the same name that was
// erased before it came.
func partiesOf(ev *assay.Event, generation map[string]byte) []features.Party {
	out := make([]features.Party, len(ev.Entities))
	for i, e := range ev.Entities {
		name := e.Role + ":" + e.ID
		sum := sha256.Sum256(append([]byte(name), generation[name]))
		out[i] = features.Party{Key: [16]byte(sum[:16]), Member: window.Hash(e.ID)}
	}
	return out
}

// withoutNames is an event as it is put together again when the names of its entities are lost.
func withoutNames(ev *assay.Event) *assay.Event {
	c := *ev
	c.ID, c.Entities = "-", slices.Clone(ev.Entities)
	for i := range c.Entities {
		c.Entities[i].ID = "-"
	}
	return &c
}

// TestPartiesReadAsNames: windows under party numbers give the vectors of windows under names, bit for bit, for the
// logs and plans of TestTwin.
func TestPartiesReadAsNames(t *testing.T) {
	t.Parallel()
	scored := 0
	for _, w := range featurestest.Worlds(t, 12) {
		p, _ := w.Fit(t)
		names, numbers := p.NewState(), p.NewState()
		for ev := range w.Each {
			parties, nameless := partiesOf(ev, nil), withoutNames(ev)
			if ev.Kind == p.Event() {
				scored++
				fields, err := p.Read(nil, ev)
				if err != nil {
					t.Fatal(err)
				}
				want, err := p.VectorOf(nil, fields, ev, names)
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.VectorOfParties(nil, fields, nameless, parties, numbers)
				if err != nil {
					t.Fatal(err)
				}
				for i, x := range want.Values {
					if math.Float64bits(x) != math.Float64bits(got.Values[i]) {
						t.Fatalf("%s: %s is %v by parties, %v by names", w.Name, p.Features()[i].Name, got.Values[i], x)
					}
				}
			}
			if err := errors.Join(p.Observe(ev, names), p.ObserveParties(nameless, parties, numbers)); err != nil {
				t.Fatal(err)
			}
		}
		if names.Keys() != numbers.Keys() || names.Late() != numbers.Late() ||
			!slices.Equal(names.Feeds(), numbers.Feeds()) {
			t.Errorf("%s: other windows were fed", w.Name)
		}
	}
	if scored < 1000 {
		t.Errorf("%d events were scored: the test does not reach its subject", scored)
	}
}

// TestForgottenParty erases a buyer and a seller of a plan, one of whom comes back.
func TestForgottenParty(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec([]byte(strings.Replace(windowPlan, "[k]", "[k, seller]", 1) + `
fields: [{name: v, on: [fact]}]
windows:
  - {name: own, key: [k], on: [fact], value: v, member: seller, length: 90d}
  - {name: pair, key: [k, seller], on: [fact], length: 90d}
  - {name: of_seller, key: [seller], on: [fact], member: k, length: all}
features:
  - {name: sum, kernel: window_sum, window: own}
  - {name: distinct, kernel: distinct, window: own}
  - {name: share, kernel: share, window: own}
  - {name: latest, kernel: latest_text, window: own, min_count: 1}
  - {name: pair, kernel: count, window: pair}
  - {name: buyers, kernel: distinct, window: of_seller}
  - {name: orders, kernel: count, window: of_seller}
`))
	if err != nil {
		t.Fatal(err)
	}
	events := facts([]assay.Field{n("v", 10)}, []assay.Field{n("v", 30)}, []assay.Field{n("v", 20)})
	for i, seller := range []string{"x", "y", "y", "y"} {
		events[i].Entities = append(slices.Clone(events[i].Entities), assay.Entity{Role: "seller", ID: seller})
	}
	p, _ := (&featurestest.World{Name: "forgotten", Spec: s, Events: events}).Fit(t)
	st, generation := p.NewState(), map[string]byte{}
	ask := &events[len(events)-1]
	check := func(when string, want ...float64) {
		t.Helper()
		fields, err := p.Read(nil, ask)
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []bool{false, true} {
			v, err := p.VectorOfParties(nil, fields, ask, partiesOf(ask, generation), st)
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range v.Values {
				if x != want[i] && (x == x || want[i] == want[i]) {
					t.Errorf("%s, restarted %v: %s is %v, want %v", when, again, p.Features()[i].Name, x, want[i])
				}
			}
			st = restarted(t, p, st)
		}
	}
	observe := func(ev *assay.Event) {
		if err := p.ObserveParties(ev, partiesOf(ev, generation), st); err != nil {
			t.Fatal(err)
		}
	}
	forget := func(role, id string) {
		ev := &assay.Event{Entities: []assay.Entity{{Role: role, ID: id}}}
		st.Forget(role, partiesOf(ev, generation)[0])
		generation[role+":"+id]++
	}
	nan := math.NaN()
	for i := range events[:3] {
		observe(&events[i])
	}
	check("before", 60, 2, 50./60, 0, 2, 1, 2)
	forget("seller", "y")
	check("a seller is erased", 60, 1, 10./60, nan, 0, 0, 0)
	observe(&events[2])
	check("it comes back", 80, 2, 20./80, 0, 1, 1, 1)
	forget("k", "a")
	check("the buyer is erased", 0, 0, nan, nan, 0, 0, 1)
	b, err := st.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	lost := partiesOf(&events[0], nil)[0].Key
	if bytes.Contains(b, lost[:]) {
		t.Error("the erased party's number is still in the windows")
	}
	if err := p.ObserveParties(ask, nil, st); err != nil {
		t.Errorf("without parties: %v", err)
	}
	if err := p.ObserveParties(ask, make([]features.Party, 1), st); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("one party for two entities: %v", err)
	}
}

// TestPersonalFields: what is personal, and that no window may read what a plan calls so.
func TestPersonalFields(t *testing.T) {
	t.Parallel()
	const plan = windowPlan + `
fields:
  - {name: v, on: [fact, application]}
  - {name: born, kind: time, personal: true}
  - {name: flag, kind: flag}
  - {name: place, kind: text}
  - {name: listed, kind: text, values: [a, b]}
  - {name: sector, kind: text}
  - {name: learned, kind: text}
  - {name: currency, kind: text, on: [fact, application]}
  - {name: item, kind: text, on: [fact]}
  - {name: state, kind: text, on: [fact]}
  - {name: source, kind: text, on: [fact]}
derived: [{name: has, kernel: missing, of: source}]
windows:
  - {name: w, key: [k, currency], on: [fact], value: v, member: item, length: 90d,
     where: [{field: state, is: [paid]}, {field: has, below: 1}]}
features:
  - {name: f, kernel: distinct, window: w}
  - {name: sector, categories: [x, y]}
  - {name: learned}
`
	s, err := features.ParseSpec([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	ev := facts([]assay.Field{n("v", 1), text("currency", "EUR"), text("item", "i"), text("state", "paid"),
		text("source", "s")})
	p, _ := (&featurestest.World{Name: "personal", Spec: s, Events: ev}).Fit(t)
	for _, f := range p.Fields() {
		if want := slices.Contains([]string{"born", "place", "learned"}, f.Name); p.Personal(f.Name) != want {
			t.Errorf("%s: personal %v, want %v", f.Name, !want, want)
		}
	}
	if !p.Personal("nobody's") {
		t.Error("a field that the plan does not know is not personal")
	}
	for _, field := range []string{"v", "currency", "item", "state", "source"} {
		_, err := features.ParseSpec([]byte(strings.Replace(plan, "{name: "+field, "{personal: true, name: "+field, 1)))
		if err == nil || !strings.Contains(err.Error(), `window "w" reads "`+field+`"`) {
			t.Errorf("a window reads the personal field %s: %v", field, err)
		}
	}
	if n := strings.Count(string(p.Frozen()), "personal"); n != 1 {
		t.Errorf("the frozen plan says %d times that a field is personal, want once: others must keep their bytes", n)
	}
}
