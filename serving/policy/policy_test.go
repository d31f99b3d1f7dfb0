// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
)

var schema = Schema{
	Fields: []Variable{
		{Name: "amount", Kind: assay.Number},
		{Name: "collateral", Kind: assay.Number, Optional: true},
		{Name: "country", Kind: assay.Text, Optional: true},
		{Name: "insured", Kind: assay.Flag},
		{Name: "due date", Kind: assay.Instant},
	},
	Roles:    []string{"buyer"},
	Features: []Variable{{Name: "amount"}, {Name: "buyer_open_90d", Optional: true}},
}

const full = `
name: test
cutoffs: {review_from: 0.1, decline_from: 0.3}
loss: {lgd: 0.5, exposure: event.amount, collateral: event.collateral, review_from: 100, decline_from: 1000, on_missing: review}
limits:
  - {name: buyer-limit, exposure: feature.buyer_open_90d + event.amount, max: 5000, outcome: decline, on_missing: skip}
rules:
  - {name: embargo, when: 'event.country in ["KP", "XX"]', outcome: decline, on_missing: review}
  - {name: uninsured, when: '!event.insured && event.amount > 1000', outcome: review}
  - {name: overdue, when: 'event.due_date < timestamp("2020-01-01T00:00:00Z")', outcome: review}
  - {name: no-country, when: missing.event.country, outcome: review}
  - {name: known-bad, when: 'entity.buyer == "B-666"', outcome: decline, on_missing: skip}
prices: {A: 0.02}
`

func event(amount float64, country string, more ...assay.Field) *assay.Event {
	e := &assay.Event{ID: "e", Kind: "application", Time: time.Unix(1, 0), Fields: []assay.Field{
		{Name: "amount", Value: assay.NumberValue(amount)},
		{Name: "insured", Value: assay.FlagValue(true)},
		{Name: "due date", Value: assay.InstantValue(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))},
	}}
	if country != "" {
		e.Fields = append(e.Fields, assay.Field{Name: "country", Value: assay.TextValue(country)})
	}
	e.Fields = append(e.Fields, more...)
	return e
}

func TestDecide(t *testing.T) {
	t.Parallel()
	p, err := Parse([]byte(full), schema)
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	collateral := assay.Field{Name: "collateral", Value: assay.NumberValue(100)}
	uninsured := event(2000, "DE", collateral)
	uninsured.Fields[1].Value = assay.FlagValue(false)
	old := event(10, "DE", collateral)
	old.Fields[2].Value = assay.InstantValue(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC))
	bad := event(10, "DE", collateral)
	bad.Entities = []assay.Entity{{Role: "buyer", ID: "B-666"}}
	for _, c := range []struct {
		name  string
		ev    *assay.Event
		open  float64
		pd    float64
		want  assay.Outcome
		rules []string
		el    float64
	}{
		{"clean", event(200, "DE", collateral), 0, 0.05, assay.Approve, nil, 2.5},
		{"pd at review", event(200, "DE", collateral), 0, 0.1, assay.Review, []string{"pd.review"}, 5},
		{"pd at decline", event(200, "DE", collateral), 0, 0.3, assay.Decline, []string{"pd.decline"}, 15},
		{"pd is NaN", event(200, "DE", collateral), 0, nan, assay.Decline, []string{"loss.decline", "pd.decline"}, nan},
		{"embargo", event(200, "KP", collateral), 0, 0.05, assay.Decline, []string{"embargo"}, 2.5},
		{"country missing", event(200, "", collateral), 0, 0.05, assay.Review, []string{"embargo", "no-country"}, 2.5},
		{"uninsured", uninsured, 0, 0.05, assay.Review, []string{"uninsured"}, 47.5},
		{"overdue", old, 0, 0.05, assay.Review, []string{"overdue"}, 0},
		{"buyer", bad, 0, 0.05, assay.Decline, []string{"known-bad"}, 0},
		{"limit", event(200, "DE", collateral), 4801, 0.05, assay.Decline, []string{"buyer-limit"}, 2.5},
		{"limit just met", event(200, "DE", collateral), 4800, 0.05, assay.Approve, nil, 2.5},
		{"limit missing", event(200, "DE", collateral), nan, 0.05, assay.Approve, nil, 2.5},
		{"loss missing", event(200, "DE"), 0, 0.05, assay.Review, []string{"loss.missing"}, nan},
		{"loss review", event(4200, "DE", collateral), 0, 0.09, assay.Review, []string{"loss.review"}, 184.5},
	} {
		var res Result
		p.Decide(&res, &Input{Event: c.ev, Vector: []float64{200, c.open}, Score: assay.Score{PD: c.pd, Grade: "A"}})
		if res.Outcome != c.want || !slices.Equal(res.Rules, c.rules) {
			t.Errorf("%s: %s %q, want %s %q", c.name, res.Outcome, res.Rules, c.want, c.rules)
		}
		if !(math.Abs(res.ExpectedLoss-c.el) < 1e-9) && !(math.IsNaN(res.ExpectedLoss) && math.IsNaN(c.el)) {
			t.Errorf("%s: expected loss %v, want %v", c.name, res.ExpectedLoss, c.el)
		}
		if res.Price != 0.02 {
			t.Errorf("%s: price %v, want 0.02", c.name, res.Price)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	rule := func(s string) string {
		return "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nrules:\n  - " + s + "\n"
	}
	for _, c := range []struct{ name, yaml, want string }{
		{"empty", "", "empty"},
		{"no cutoffs", "name: x\n", "review_from"},
		{"order", "name: x\ncutoffs: {review_from: 0.3, decline_from: 0.2}\n", "review_from <= decline_from"},
		{"unknown key", "name: x\ncutofs: {}\n", `did you mean "cutoffs"?`},
		{"unknown key has its line", "name: x\n\ncutofs: {}\n", "[3:1]"},
		{"two documents", "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\n---\nname: y\n",
			"one YAML document"},
		{"unknown field", rule(`{name: a, when: event.nope > 1.0, outcome: review}`), "event.nope"},
		{"wrong type", rule(`{name: a, when: event.amount, outcome: review}`), "want a bool"},
		{"compare kinds", rule(`{name: a, when: 'event.amount == "x"', outcome: review}`), "no matching overload"},
		{"silent about missing", rule(`{name: a, when: 'event.country == "DE"', outcome: review}`),
			"event.country may be missing"},
		{"approve", rule(`{name: a, when: 'true', outcome: approve}`), "want review or decline"},
		{"on_missing", rule(`{name: a, when: 'true', outcome: review, on_missing: no}`), "want skip"},
		{"nameless", rule(`{when: 'true', outcome: review}`), "name"},
		{"twice", rule("{name: a, when: 'true', outcome: review}\n  - {name: a, when: 'true', outcome: review}"),
			"twice"},
		{"long", rule(`{name: a, when: '` + strings.Repeat(" ", MaxExpression) + `true', outcome: review}`), "at most"},
		{"lgd", "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nloss: {exposure: '1.0'}\n", "lgd"},
		{"limit max", "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nlimits: [{name: a, exposure: '1.0', " +
			"outcome: review}]\n", "max"},
		{"price", "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nprices: {A: 11}\n", "prices"},
	} {
		_, err := Parse([]byte(c.yaml), schema)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("%s: got %v, want an invalid-input error with %q", c.name, err, c.want)
		}
	}
}

func TestDefaultFitsAnyPlan(t *testing.T) {
	t.Parallel()
	for _, s := range []Schema{{}, schema} {
		if _, err := Parse(Default(), s); err != nil {
			t.Error(err)
		}
	}
}

func TestDigestIsOfTheBytes(t *testing.T) {
	t.Parallel()
	a, _ := Parse([]byte(full), schema)
	b, _ := Parse([]byte(full+" "), schema)
	if a.Digest() == b.Digest() || a.Digest() != assay.Sum("assay/policy/v1\n", []byte(full)) {
		t.Error("the digest must be that of the YAML bytes under the tag assay/policy/v1")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add(Default())
	f.Add([]byte("name: x\ncutoffs: {review_from: .nan, decline_from: .inf}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b, schema)
		if err != nil {
			return
		}
		in := &Input{Event: event(1, "DE"), Vector: []float64{1, math.NaN()}, Score: assay.Score{PD: 0.5}}
		var one, two Result
		p.Decide(&one, in)
		p.Decide(&two, in)
		if one.Outcome != two.Outcome || !slices.Equal(one.Rules, two.Rules) {
			t.Errorf("two equal inputs were decided differently: %v %v", one, two)
		}
		if 0.5 >= p.declineFrom && one.Outcome != assay.Decline {
			t.Errorf("a PD of 0.5 at the cut-off %v was not declined", p.declineFrom)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	p, err := Parse([]byte(full), schema)
	if err != nil {
		b.Fatal(err)
	}
	in := &Input{Event: event(200, "DE"), Vector: []float64{1, 2}, Score: assay.Score{PD: 0.05}}
	var res Result
	b.ReportAllocs()
	for b.Loop() {
		p.Decide(&res, in)
	}
}
