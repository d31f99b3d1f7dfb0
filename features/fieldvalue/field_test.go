// SPDX-License-Identifier: Apache-2.0

package fieldvalue_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
)

// TestNumberRange: what becomes of a number in and out of a field's range.
func TestNumberRange(t *testing.T) {
	t.Parallel()
	inf := math.Inf(1)
	for _, c := range []struct {
		declaration string
		x, want     float64
		ok          bool
	}{
		{"", 1e300, 1e300, true}, {"", nan, nan, true}, {"", inf, inf, false}, {"", -inf, -inf, false},
		{", min: 0, max: 10", 0, 0, true}, {", min: 0, max: 10", 10, 10, true},
		{", min: 0, max: 10", math.Nextafter(10, 11), math.Nextafter(10, 11), false},
		{", min: 0, max: 10", -5e-324, -5e-324, false}, {", min: 0, max: 10", nan, nan, true},
		{", min: 0, max: 10, outside: clip", 11, 10, true}, {", min: 0, max: 10, outside: clip", -inf, 0, true},
		{", min: 0, max: 10, outside: missing", 11, nan, true}, {", max: 10, outside: missing", inf, nan, true},
		{", min: 0, max: 10, outside: flag", 11, 11, true}, {", max: 10, outside: flag", inf, inf, false},
		{", min: 0, max: 10, outside: reject", 11, 11, false},
		{", unit: share", 1, 1, true}, {", unit: share", 1.01, 1.01, false},
		{", unit: percent", 100, 100, true}, {", unit: percent", -1, -1, false},
		{", unit: count", 1e12, 1e12, true}, {", unit: count", -1, -1, false},
		{", unit: share, max: 0.5", 0.6, 0.6, false}, {", unit: EUR", -1e9, -1e9, true},
		{", values: ['1', '2.50']", 2.5, 2.5, true}, {", values: ['1', '2.50']", 2, 2, false},
		{", values: ['1'], outside: clip", 2, 2, false}, {", values: ['1']", nan, nan, true},
		{", missing: [-999]", -999, nan, true}, {", min: 0, missing: [-999]", -999, nan, true},
		{", values: ['1'], missing: [-999]", -999, nan, true}, {", missing: ['nan']", 5, 5, true},
	} {
		if got, ok := fieldOf(t, c.declaration).Number(c.x); !same(got, c.want) || ok != c.ok {
			t.Errorf("%s: %v becomes %v, %v, want %v, %v", c.declaration, c.x, got, ok, c.want, c.ok)
		}
	}
}

// TestTimeRange: what becomes of a time in and out of a field's range.
func TestTimeRange(t *testing.T) {
	t.Parallel()
	first, last := day("2000-01-01T00:00:00Z").UnixMicro(), day("2020-12-31T12:00:00Z").UnixMicro()
	const bounds = ", kind: time, earliest: 2000-01-01, latest: 2020-12-31T12:00:00Z"
	year1900, ancient := eventtime.All.First, day("0001-01-01T00:00:00Z").UnixMicro()
	for _, c := range []struct {
		declaration string
		us          int64
		want        float64
		ok          bool
	}{
		{bounds, first, float64(first), true}, {bounds, last, float64(last), true},
		{bounds, first - 1, float64(first - 1), false}, {bounds, last + 1, float64(last + 1), false},
		{bounds + ", outside: clip", last + 1, float64(last), true},
		{bounds + ", outside: clip", ancient, float64(first), true},
		{bounds + ", outside: missing", last + 1, nan, true},
		{bounds + ", outside: flag", last + 1, float64(last + 1), true},
		{bounds + ", outside: flag", year1900 - 1, float64(year1900 - 1), false}, // beyond what float64 holds exactly
		{bounds + ", missing: [1999-01-01]", day("1999-01-01T00:00:00Z").UnixMicro(), nan, true},
		{", kind: time", year1900, float64(year1900), true}, {", kind: time", year1900 - 1,
			float64(year1900 - 1), false},
		{", kind: time", eventtime.All.Last, float64(eventtime.All.Last), true},
	} {
		if got, ok := fieldOf(t, c.declaration).Instant(c.us); !same(got, c.want) || ok != c.ok {
			t.Errorf("%s: %v becomes %v, %v, want %v, %v", c.declaration, time.UnixMicro(c.us).UTC(), got, ok, c.want,
				c.ok)
		}
	}
}

// TestTimeRangeProblems: TimeRange names the bound that is wrong, and then gives
// the range of all times.
func TestTimeRangeProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ earliest, latest, key, problem string }{
		{"", "", "", ""}, {"2000-01-01", "2000-01-01", "", ""},
		{"soon", "", "earliest", fieldvalue.NoInstant}, {"", "1899-12-31", "latest", fieldvalue.NoInstant},
		{"2001-01-01", "2000-01-01", "earliest", "earliest is later than latest"},
	} {
		r, key, problem := fieldvalue.TimeRange(&plantext.FieldSpec{Earliest: c.earliest, Latest: c.latest})
		if key != c.key || problem != c.problem || key != "" && r != eventtime.All {
			t.Errorf("%q to %q: %v, %q, %q", c.earliest, c.latest, r, key, problem)
		}
	}
}

// TestValidate: an event's value that the field does not take, and why.
func TestValidate(t *testing.T) {
	t.Parallel()
	number, text, flag := assay.NumberValue, assay.TextValue, assay.FlagValue
	at := func(s string) assay.Value { return assay.InstantValue(day(s)) }
	const required = "has no value, and the plan requires one"
	for _, c := range []struct {
		declaration string
		value       assay.Value
		want        string
	}{
		{"", number(5), ""}, {"", assay.Value{}, ""}, {", required: true", assay.Value{}, required},
		{"", number(nan), "must be a finite number; leave a missing value out"},
		{"", number(math.Inf(-1)), "must be a finite number; leave a missing value out"},
		{"", text("5"), "is a text, want a number"}, {"", at("2020-01-01T00:00:00Z"), "is a time, want a number"},
		{", min: 1", number(0), "out of range: want 1 or more"}, {", min: 1, outside: clip", number(0), ""},
		{", values: ['1']", number(0), "the number is not one of the values that the plan allows"},
		{", kind: flag", flag(false), ""}, {", kind: flag", number(1),
			"is a number, want a flag: true or false, 1 or 0"},
		{", kind: text", text("c"), ""}, {", kind: text", flag(true), "is a flag, want a text"},
		{", kind: text, values: [a]", text("b"), "the text is not one of the values that the plan allows"},
		{", kind: text, values: [a], missing: [b]", text("b"), ""},
		{", kind: text, required: true", text(""), required},
		{", kind: text, required: true, missing: false", assay.Value{}, required},
		{", kind: time", at("2300-01-01T00:00:00Z"), "must lie between the years 1900 and 2200"},
		{", kind: time, latest: 2020-01-01", at("2020-01-01T00:00:00.000001Z"),
			"out of range: want 1900-01-01T00:00:00Z to 2020-01-01T00:00:00Z"},
		{", kind: time, latest: 2020-01-01, outside: missing", at("2020-01-02T00:00:00Z"), ""},
	} {
		err := fieldOf(t, c.declaration).Validate(c.value)
		var fe *assay.FieldError
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %v: %v", c.declaration, c.value, err)
		case c.want != "" && (!errors.As(err, &fe) || fe.Field != "f" || fe.Problem != c.want):
			t.Errorf("%s %v: got %v, want %s", c.declaration, c.value, err, c.want)
		}
	}
}

// TestPlainValue: the short way takes what Validate accepts unchanged, and
// leaves all else to the long way.
func TestPlainValue(t *testing.T) {
	t.Parallel()
	number, text := assay.NumberValue, assay.TextValue
	mixed := number(5)
	for _, c := range []struct {
		declaration string
		value       assay.Value
		want        float64
		ok          bool
	}{
		{"", number(5), 5, true}, {"", assay.Value{}, nan, true}, {", required: true", assay.Value{}, nan, false},
		{"", number(math.Inf(1)), math.Inf(1), false}, {"", number(nan), nan, false}, {"", text("5"), 0, false},
		{", max: 1", number(5), 5, false}, {", max: 1, outside: clip", number(5), 1, true},
		{", missing: [5]", mixed, nan, true}, {", missing: [5], required: true", mixed, nan, true},
		{", kind: flag", assay.FlagValue(true), 1, true}, {", kind: flag", number(1), 0, false},
		{", kind: text", text("a"), 0, true}, {", kind: text", text("c"), kernels.Unknown, true},
		{", kind: text", text("1.0"), kernels.Unknown, false}, // 1 once it is canonical
		{", kind: text", text(""), nan, true}, {", kind: text, required: true", text(""), nan, false},
		{", kind: text", text("\xff"), 0, false}, {", kind: text, values: [a]", text("b"), 0, false},
		{", kind: time", assay.InstantValue(time.UnixMicro(7)), 7, true},
		{", kind: time, earliest: 2000-01-01", assay.InstantValue(time.UnixMicro(7)), 7, false},
	} {
		if x, ok := fieldOf(t, c.declaration).PlainValue(&c.value); ok != c.ok || ok && !same(x, c.want) {
			t.Errorf("%s %v: %v, %v, want %v, %v", c.declaration, c.value, x, ok, c.want, c.ok)
		}
	}
}
