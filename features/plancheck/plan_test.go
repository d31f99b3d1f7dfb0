// SPDX-License-Identifier: Apache-2.0

package plancheck_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// soundPlan uses every section of a plan and holds every rule. Each test of a
// rule changes one place in it.
const soundPlan = `version: 1
name: orders
event: order
time: at
id: id
kind: kind
ahead: 30d
lateness: 5m
label: {event: default, match: [buyer], horizon: 180d}
entities: [buyer, seller]
fields:
  - {name: amount, min: 0, max: 1000, outside: clip, unit: EUR, on: [order, payment]}
  - {name: discount, unit: share, min: 0.1, max: 0.9, optional: true, missing: [-1]}
  - {name: code, values: ["1", "2"]}
  - {name: channel, kind: text, values: [web, shop], on: [order, payment]}
  - {name: urgent, kind: flag, required: true}
  - {name: due, kind: time, earliest: 2000-01-01, latest: 2100-01-01, outside: missing}
  - {name: paid, kind: time, on: [payment]}
  - {name: country, kind: text}
derived:
  - {name: late, kernel: days_between, of: [event.time, paid]}
  - {name: late_days, kernel: clip, of: late, bounds: [0, 30]}
lookups:
  - name: rates
    rows:
      - {key: DE, from: 2024-01-01, value: 1.5}
      - {key: DE, from: 2025-01-01}
      - {key: FR, from: 2024-01-01, value: 2}
  - {name: prices, file: prices.csv, from: day, value: price}
windows:
  - {name: recent, key: [buyer], on: [payment], value: late_days, length: 30d, hop: 1d, where: {field: amount, above: 0}}
  - {name: ever, key: [buyer, channel], on: [order, payment], member: channel, length: all, members: 64}
  - name: years
    key: [seller]
    on: [order]
    value: amount
    member: country
    length: "1"
    offset: "1"
    calendar: year
    zone: Europe/Berlin
    half_life: 10d
    samples: 100
    where: [{field: channel, is: [web]}, {field: paid, missing: true}]
features:
  - {name: size, kernel: log1p, of: amount, monotone: increasing, group: money, fill: 0}
  - {name: channel}
  - {name: land, kernel: category, of: country, categories: [DE, FR], unknown: missing}
  - {name: coded, kernel: category, of: code, categories: ["1", "2"]}
  - {name: wait, kernel: days_between, of: [due, event.time]}
  - {name: weekday, kernel: date_part, of: event.time, part: weekday, zone: Europe/Berlin}
  - {name: rate, kernel: lookup, table: rates, of: country}
  - {name: price, kernel: lookup, table: prices}
  - {name: lateness, kernel: mean, window: recent}
  - {name: favourite, kernel: mode, window: ever}
  - {name: turnover, kernel: window_sum, window: years}
  - {name: middle, kernel: median, window: years}
  - {name: cut, kernel: clip, of: size, bounds: [0, 5], hidden: true}
  - {name: both, kernel: sum, of: [cut, discount]}
groups:
  - {name: money, code: R1, text: The amount is large.}
  - {name: time, code: R2, text: Payments came late.}
clean: {duplicates: [id], outliers: {share: 0.01, trees: 100, sample: 256}}
`

// changed returns the sound plan with one place of its text replaced.
func changed(t *testing.T, old, replacement string) string {
	t.Helper()
	if n := strings.Count(soundPlan, old); n != 1 {
		t.Fatalf("%q occurs %d times in the sound plan, want once", old, n)
	}
	return strings.Replace(soundPlan, old, replacement, 1)
}

func decode(t *testing.T, text string) *plantext.Spec {
	t.Helper()
	s, err := plantext.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return s
}

// checkError asserts that err is a *plantext.SpecError with this whole text.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	var se *plantext.SpecError
	if !errors.As(err, &se) || !errors.Is(err, assay.ErrInvalid) {
		t.Fatalf("got %v, want a *plantext.SpecError that matches assay.ErrInvalid", err)
	}
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// broken is a plan that breaks one rule: the sound plan with old replaced by
// replacement, and the whole error.
type broken struct{ rule, old, replacement, want string }

// checkBroken checks each plan in a subtest of its own.
func checkBroken(t *testing.T, plans []broken) {
	t.Helper()
	for _, b := range plans {
		t.Run(b.rule, func(t *testing.T) {
			t.Parallel()
			checkError(t, plancheck.Check(decode(t, changed(t, b.old, b.replacement))), b.want)
		})
	}
}

func TestSoundPlan(t *testing.T) {
	t.Parallel()
	s := decode(t, soundPlan)
	if err := plancheck.Check(s); err != nil {
		t.Fatal(err)
	}
	again := decode(t, string(s.YAML()))
	if err := plancheck.Check(again); err != nil {
		t.Errorf("the plan that was written: %v", err)
	}
	empty := *s
	empty.Windows, empty.Features = nil, []plantext.FeatureSpec{{Name: "amount"}}
	empty.Derived, empty.Lookups, empty.Label, empty.Groups, empty.Clean = nil, nil, nil, nil, nil
	if err := plancheck.Check(&empty); err != nil {
		t.Errorf("a plan of fields and features alone: %v", err)
	}
}
