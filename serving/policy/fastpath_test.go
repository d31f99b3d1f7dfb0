// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"testing"
	"time"

	"github.com/assayrisk/assay"
)

// fastTruths and fastNumbers are expressions that are evaluated without CEL.
var fastTruths = []string{
	"margin > 12.0", "pd >= 0.1 && margin < 3", "pd < 0.1 || points <= 400", "!(points > 1e9)", "grade == 'A'",
	"grade != kind", "kind in ['a', 'b', 'application']",
	"event.amount == 1.0", "event.insured", "!event.insured && event.amount > 1000", "missing.event.country",
	"event.country in ['KP', 'XX']", "'DE' == event.country", "entity.buyer == 'B-1'",
	"feature.amount * 2.0 + event.amount > 100", "feature.amount / event.amount >= -1.5",
	"feature.amount - -event.amount < 9007199254740992",
	"event.country == event.country && missing.feature.buyer_open_90d", "1 == 1", "2 < 1.5",
}

var fastNumbers = []string{"event.amount", "7", "2.5", "feature.amount + event.amount * pd",
	"-event.amount / margin", "event.amount - 0.5"}

// TestFastPathTakesItsForms: these forms are not left to CEL.
func TestFastPathTakesItsForms(t *testing.T) {
	t.Parallel()
	c := testCompiler(t)
	for _, src := range fastTruths {
		if x, err := c.compile(src, wantBool); err != nil || x.fastTruth == nil {
			t.Errorf("%s is left to CEL (error %v)", src, err)
		}
	}
	for _, src := range fastNumbers {
		if x, err := c.compile(src, wantNumber); err != nil || x.fastNumber == nil {
			t.Errorf("%s is left to CEL (error %v)", src, err)
		}
	}
}

func testCompiler(t testing.TB) *compiler {
	c, err := newCompiler(schema, map[string]source{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzFastPath: the fast path gives the values that CEL gives.
func FuzzFastPath(f *testing.F) {
	for i, src := range append(fastTruths, fastNumbers...) {
		x := []float64{1, math.NaN(), math.Inf(1), 0, -2.5, 1000.5}
		f.Add(src, x[i%6], x[(i+1)%6], x[(i+2)%6], "DE", i%2 == 0)
	}
	f.Add("event.due_date < timestamp('2020-01-01T00:00:00Z') || 1 / 0 == 1 || pd > 0.5", 0.7, 1.0, 1.0, "KP", true)
	c := testCompiler(f)
	f.Fuzz(func(t *testing.T, src string, pd, amount, feature float64, text string, flag bool) {
		ev := event(amount, text, assay.Field{Name: "collateral", Value: assay.InstantValue(time.Unix(1, 0))})
		ev.Entities = []assay.Entity{{Role: "buyer", ID: text}}
		ev.Fields[1].Value = assay.FlagValue(flag)
		in := &Input{Event: ev, Vector: []float64{feature, math.NaN()},
			Score: assay.Score{PD: pd, Margin: amount, Points: feature, Grade: text}}
		act := &activation{sources: c.sources, in: in}
		if x, err := c.compile(src, wantBool); err == nil && x.fastTruth != nil {
			if got, ok := x.fastTruth(act); ok {
				if want, err := x.truthByCEL(act); err != nil || got != want {
					t.Errorf("%s is %v, CEL gives %v and the error %v", src, got, want, err)
				}
			}
		}
		if x, err := c.compile(src, wantNumber); err == nil && x.fastNumber != nil {
			if got, ok := x.fastNumber(act); ok {
				if want, err := x.numberByCEL(act); err != nil || math.Float64bits(got) != math.Float64bits(want) &&
					(got == got || want == want) {
					t.Errorf("%s is %v, CEL gives %v and the error %v", src, got, want, err)
				}
			}
		}
	})
}
