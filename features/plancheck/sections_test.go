// SPDX-License-Identifier: Apache-2.0

package plancheck_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

func TestHeadRules(t *testing.T) {
	t.Parallel()
	checkBroken(t, []broken{
		{"version", "version: 1", "version: 3",
			"plan: line 1, column 10 (version): version 3 is not known; write `version: 1`"},
		{"event", "event: order\n", "event: ' order'\n",
			`plan: line 3, column 8 (event): not a name of 1 to 256 bytes`},
		{"role twice", "entities: [buyer, seller]", "entities: [buyer, buyer]",
			`plan: line 10, column 19 (entities[1]): the role is empty, too long or given twice`},
		{"role empty", "entities: [buyer, seller]", "entities: [buyer, '']",
			`plan: line 10, column 19 (entities[1]): the role is empty, too long or given twice`},
		{"lateness", "lateness: 5m", "lateness: soon",
			`plan: line 8, column 11 (lateness): "soon" is no length of time: want a whole number and s, m, h, d or w, at most 100 years`},
		{"ahead", "ahead: 30d", "ahead: 30",
			`plan: line 7, column 8 (ahead): "30" is no length of time: want a whole number and s, m, h, d or w, at most 100 years`},
		{"label of both", "label: {", "label: {column: bad, ",
			`plan: line 9, column 9 (label): a label wants either a column or an event`},
		{"label of neither", "event: default, ", "",
			`plan: line 9, column 9 (label): a label wants either a column or an event`},
		{"label is a field", "label: {event: default, match: [buyer], horizon: 180d}", "label: {column: amount}",
			`plan: line 9, column 17 (label.column): the label "amount" is a field; remove it from fields: it is not known when an event is scored`},
		{"label without horizon", ", horizon: 180d", "",
			`plan: line 9, column 9 (label.horizon): how long is the event waited for?; write it as "180d"`},
		{"label without match", "match: [buyer], ", "",
			`plan: line 9, column 9 (label.match): which event is the outcome of which?; name the roles that both events share`},
		{"label of no role", "match: [buyer]", "match: [buyer, bank]",
			`plan: line 9, column 40 (label.match[1]): "bank" is no role; the roles are buyer, seller`},
		{"group without text", "text: Payments came late.", "text: ''",
			`plan: line 62, column 6 (groups[1]): a group wants a name, a code and a text`},
		{"group without code", "code: R2", "code: ''",
			`plan: line 62, column 6 (groups[1]): a group wants a name, a code and a text`},
		{"group twice", "{name: time, code", "{name: money, code",
			`plan: line 62, column 6 (groups[1]): group "money" or its code "R2" is declared twice`},
		{"code twice", "code: R2", "code: R1",
			`plan: line 62, column 6 (groups[1]): group "time" or its code "R1" is declared twice`},
		{"share of outliers", "share: 0.01", "share: 0.6",
			`plan: line 63, column 45 (clean.outliers.share): want a share above 0 and up to 0.5`},
		{"no outliers", "share: 0.01", "share: 0",
			`plan: line 63, column 45 (clean.outliers.share): want a share above 0 and up to 0.5`},
		{"trees", "trees: 100", "trees: 1001",
			`plan: line 63, column 38 (clean.outliers): at most 1000 trees and samples of 4096 rows`},
		{"sample", "sample: 256", "sample: -1",
			`plan: line 63, column 38 (clean.outliers): at most 1000 trees and samples of 4096 rows`},
	})
}

func TestFieldRules(t *testing.T) {
	t.Parallel()
	checkBroken(t, []broken{
		{"name", "{name: urgent,", "{name: ' urgent',",
			`plan: line 16, column 12 (fields[4].name): a field wants a name of 1 to 256 bytes without spaces around it`},
		{"name of the event's time", "{name: urgent,", "{name: event.time,",
			`plan: line 16, column 12 (fields[4].name): a field wants a name of 1 to 256 bytes without spaces around it`},
		{"twice", "{name: country, kind", "{name: channel, kind",
			`plan: line 19, column 12 (fields[7].name): field "channel" is declared twice; give each field once`},
		{"kind", "kind: flag", "kind: boolean",
			`plan: line 16, column 26 (fields[4].kind): kind "boolean" is not known; want number, text, flag or time`},
		{"outside", "outside: clip", "outside: cut",
			`plan: line 12, column 48 (fields[0].outside): "cut" is not known; want reject, missing, clip or flag`},
		{"required and optional", "kind: flag, required: true", "kind: flag, required: true, optional: true",
			`plan: line 16, column 58 (fields[4].optional): field "urgent" is required and optional; leave one of them out`},
		{"optional and not missing", "missing: [-1]", "missing: false",
			`plan: line 13, column 65 (fields[1].optional): field "discount" is required and optional; leave one of them out`},
		{"min of a flag", "kind: flag,", "kind: flag, min: 0,",
			`plan: line 16, column 6 (fields[4]): min and max are for numbers, and "urgent" is a flag; a time has earliest and latest`},
		{"max of a time", "kind: time, on", "kind: time, max: 5, on",
			`plan: line 18, column 6 (fields[6]): min and max are for numbers, and "paid" is a time; a time has earliest and latest`},
		{"outside of a text", "{name: country, kind: text}", "{name: country, kind: text, outside: missing}",
			`plan: line 19, column 42 (fields[7].outside): outside is for numbers and times, and "country" is a text`},
		{"min above max", "min: 0, max: 1000", "min: 1001, max: 1000",
			`plan: line 12, column 25 (fields[0].min): min is greater than max`},
		{"min beyond the unit", "min: 0.1", "min: -0.1",
			`plan: line 13, column 28 (fields[1].unit): a share lies between 0 and 1: min and max reach beyond that`},
		{"max beyond the unit", "max: 0.9", "max: 90",
			`plan: line 13, column 28 (fields[1].unit): a share lies between 0 and 1: min and max reach beyond that`},
		{"values of a flag", "kind: flag,", "kind: flag, values: ['true'],",
			`plan: line 16, column 40 (fields[4].values): values are for texts and numbers, and "urgent" is a flag`},
		{"value of a number", `code, values: ["1", "2"]`, `code, values: ["1", "two"]`,
			`plan: line 14, column 32 (fields[2].values[1]): "code" is a number, and its value "two" is none; want a finite number`},
		{"kind of event twice", "missing: [-1]}", "missing: [-1], on: [order, order]}",
			`plan: line 13, column 98 (fields[1].on[1]): the kind of event is empty, too long or given twice`},
		{"earliest of a number", "{name: code,", "{name: code, earliest: 2000-01-01,",
			`plan: line 14, column 6 (fields[2]): earliest and latest are for times, and "code" is a number; a number has min and max`},
		{"earliest", "earliest: 2000-01-01", "earliest: yesterday",
			`plan: line 17, column 39 (fields[5].earliest): not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z`},
		{"latest too late", "latest: 2100-01-01", "latest: 2201-01-01",
			`plan: line 17, column 59 (fields[5].latest): not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z`},
		{"earliest after latest", "earliest: 2000-01-01", "earliest: 2100-01-02",
			`plan: line 17, column 39 (fields[5].earliest): earliest is later than latest`},
	})
}

func TestDerivedRules(t *testing.T) {
	t.Parallel()
	checkBroken(t, []broken{
		{"name", "{name: late,", "{name: event.time,",
			`plan: line 21, column 12 (derived[0].name): a derived value wants a name of 1 to 256 bytes without spaces around it`},
		{"twice", "{name: late_days,", "{name: late,",
			`plan: line 22, column 12 (derived[1].name): "late" is declared twice; give each a name of its own`},
		{"name of a field", "{name: late_days,", "{name: amount,",
			`plan: line 22, column 12 (derived[1].name): "amount" is declared twice; give each a name of its own`},
		{"kernel that learns", "late_days, kernel: clip", "late_days, kernel: woe",
			`plan: line 22, column 31 (derived[1].kernel): "woe" is no kernel that computes a number from one event alone` + derivedKernels()},
		{"kernel misspelled", "late, kernel: days_between", "late, kernel: days_betwen",
			`plan: line 21, column 26 (derived[0].kernel): "days_betwen" is no kernel that computes a number from one event alone; did you mean "days_between"?` + derivedKernels()},
		{"number of inputs", "of: [event.time, paid]", "of: [paid]",
			`plan: line 21, column 44 (derived[0].of): kernel days_between wants 2 inputs, 1 are given`},
		{"unknown input", "kernel: clip, of: late,", "kernel: clip, of: paidd,",
			`plan: line 22, column 41 (derived[1].of[0]): "paidd" names no field, and no derived value that is declared before; did you mean "paid"?` + knownFields},
		{"input declared later", "of: [event.time, paid]", "of: [event.time, late_days]",
			`plan: line 21, column 57 (derived[0].of[1]): "late_days" names no field, and no derived value that is declared before` + knownFields},
		{"kind of input", "kernel: clip, of: late,", "kernel: clip, of: paid,",
			`plan: line 22, column 41 (derived[1].of[0]): kernel clip does not take "paid", which is a time; a date is read by days_between or date_part`},
		{"bounds missing", "of: late, bounds: [0, 30]", "of: late",
			`plan: line 22, column 6 (derived[1].bounds): clip wants bounds: two numbers, low and high; a derived value learns nothing`},
		{"bounds", "bounds: [0, 30]", "bounds: [30, 0]",
			`plan: line 22, column 6 (derived[1]): bounds want two numbers, low and high; docs/plan.md shows an example of each kernel`},
		{"zone", "bounds: [0, 30]", "bounds: [0, 30], zone: Local",
			`plan: line 22, column 70 (derived[1].zone): "Local" names no time zone; want a name such as Europe/Berlin`},
	})
}

func TestLookupRules(t *testing.T) {
	t.Parallel()
	checkBroken(t, []broken{
		{"name", "{name: prices,", "{name: rates,",
			`plan: line 29, column 12 (lookups[1].name): the name is empty, too long or given twice; give each lookup a name of its own`},
		{"file and rows", "file: prices.csv, from: day, value: price", "file: a.csv, rows: [{key: a}]",
			`plan: line 29, column 6 (lookups[1]): lookup "prices" has a file and rows; leave one of them out`},
		{"no value", ", value: price", "",
			"plan: line 29, column 6 (lookups[1]): which column of prices.csv holds the values?; write `value: " +
				"COLUMN`"},
		{"columns without file", "file: prices.csv, ", "",
			"plan: line 29, column 6 (lookups[1]): lookup \"prices\" has key, from or value, and no file; they name " +
				"columns of a file: write `file: NAME`"},
		{"no rows", "file: prices.csv, from: day, value: price", "rows: []",
			"plan: line 29, column 6 (lookups[1]): lookup \"prices\" has no rows; write `file: NAME`, or rows"},
		{"neither keys nor dates", "from: day, ", "",
			"plan: line 29, column 6 (lookups[1]): lookup \"prices\" has neither keys nor dates: one value for all; " +
				"name its `key`, its `from`, or both"},
		{"rows unlike", "{key: FR, from: 2024-01-01, value: 2}", "{from: 2024-01-01, value: 2}",
			`plan: line 28, column 10 (lookups[0].rows[2]): the row is not like the first; give each row a key, or none; and a from, or none`},
		{"rows unlike in dates", "{key: FR, from: 2024-01-01, value: 2}", "{key: FR, value: 2}",
			`plan: line 28, column 10 (lookups[0].rows[2]): the row is not like the first; give each row a key, or none; and a from, or none`},
		{"value", "value: 1.5", "value: .inf",
			`plan: line 26, column 44 (lookups[0].rows[0].value): the value is not finite; leave it out where there is none`},
		{"date", "key: FR, from: 2024-01-01", "key: FR, from: someday",
			`plan: line 28, column 25 (lookups[0].rows[2].from): not a time between the years 1900 and 2200: want 2006-01-02 or 2006-01-02T15:04:05Z`},
		{"two rows of a key", "{key: DE, from: 2025-01-01}", "{key: DE, from: 2024-01-01T00:00:00Z}",
			`plan: line 27, column 10 (lookups[0].rows[1]): two rows of the same key and date; keep one of them`},
		{"no such lookup", "table: rates", "table: rate",
			`plan: line 52, column 41 (features[6].table): there is no lookup "rate"; the lookups are rates, prices`},
		{"inputs", "table: rates, of: country", "table: rates, of: [country, due, paid]",
			`plan: line 52, column 52 (features[6].of): lookup "rates" wants 2 inputs, 3 are given; a text field for its keys, and for its dates a time, which is the event's own if none is named`},
		{"input is no field", "table: rates, of: country", "table: rates, of: size",
			`plan: line 52, column 52 (features[6].of[0]): "size" names no field` + knownFields},
		{"kind of input", "table: rates, of: country", "table: rates, of: amount",
			`plan: line 52, column 52 (features[6].of[0]): lookup "rates" wants a text here, and "amount" is a number`},
		{"input of another event", "table: prices}", "table: prices, of: paid}",
			`plan: line 53, column 54 (features[7].of[0]): events of kind "order" do not carry field "paid"`},
		{"table of another kernel", "kernel: log1p, of: amount", "kernel: log1p, table: rates, of: amount",
			`plan: line 46, column 40 (features[0].table): kernel log1p reads no table; use kernel lookup`},
		{"table of a window's kernel", "kernel: mean, window: recent", "kernel: mean, table: rates, window: recent",
			`plan: line 54, column 43 (features[8].table): kernel mean reads no table; use kernel lookup`},
	})
}

// TestLimits: bounds on counts and lengths, and rules that no single change of
// the text breaks.
func TestLimits(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", assay.MaxTextBytes+1)
	for _, c := range []struct {
		name   string
		change func(*plantext.Spec)
		want   string
	}{
		{"no fields", func(s *plantext.Spec) { s.Fields = nil },
			`plan: line 12, column 3 (fields): there are no fields; declare what events carry`},
		{"fields", func(s *plantext.Spec) { s.Fields = make([]plantext.FieldSpec, assay.MaxFields+1) },
			`plan: line 12, column 3 (fields): 1025 fields, at most 1024 are allowed`},
		{"roles", func(s *plantext.Spec) { s.Entities = make([]string, assay.MaxEntities+1) },
			`plan: line 10, column 11 (entities): 17 roles, at most 16 are allowed`},
		{"derived", func(s *plantext.Spec) { s.Derived = make([]plantext.DerivedSpec, plantext.MaxDerived+1) },
			`plan: line 21, column 3 (derived): 257 derived values, at most 256 are allowed`},
		{"lookups", func(s *plantext.Spec) { s.Lookups = make([]plantext.LookupSpec, plantext.MaxLookups+1) },
			`plan: line 24, column 3 (lookups): 65 lookups, at most 64 are allowed`},
		{"rows", func(s *plantext.Spec) {
			s.Lookups[0].Rows = make([]plantext.LookupRow, plantext.MaxLookupRows+1)
		},
			`plan: line 24, column 5 (lookups[0]): the lookups have more than 50000 rows`},
		{"key of a row", func(s *plantext.Spec) { s.Lookups[0].Rows[2].Key = long },
			`plan: line 28, column 15 (lookups[0].rows[2].key): a key of more than 4096 bytes`},
		{"windows", func(s *plantext.Spec) { s.Windows = make([]plantext.WindowSpec, plantext.MaxWindows+1) },
			`plan: line 31, column 3 (windows): 257 windows, at most 256 are allowed`},
		{"no features", func(s *plantext.Spec) { s.Features = nil },
			`plan: line 46, column 3 (features): there are no features; declare at least one`},
		{"features", func(s *plantext.Spec) {
			s.Features = make([]plantext.FeatureSpec, plantext.MaxFeatures+1)
		},
			`plan: line 46, column 3 (features): 4097 features, at most 4096 are allowed`},
		{"text of a group", func(s *plantext.Spec) { s.Groups[0].Text = long },
			`plan: line 61, column 6 (groups[0]): a group wants a name, a code and a text`},
		{"fill", func(s *plantext.Spec) { x := math.NaN(); s.Features[0].Fill = &x },
			`plan: line 46, column 87 (features[0].fill): fill wants a finite number`},
		{"every feature hidden", func(s *plantext.Spec) {
			for i := range s.Features {
				s.Features[i].Hidden = true
			}
		},
			`plan: line 46, column 3 (features): every feature is hidden: the vector would be empty`},
		{"window that no order can read", func(s *plantext.Spec) {
			s.Fields = append(s.Fields, plantext.FieldSpec{Name: "bank", Kind: "text", On: []string{"payment"}})
			s.Windows[0].Key = []string{"bank"}
		},
			`plan: line 31, column 26 (windows[0].key[0]): events of kind "order" do not carry field "bank", so they cannot read the window`},
		{"category", func(s *plantext.Spec) { s.Features[2].Categories[1] = long },
			`plan: line 48, column 40 (features[2].of[0]): category "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..." of "land" is empty, too long or listed twice; list each value once, and leave out the empty text: it is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := plantext.Decode([]byte(soundPlan))
			if err != nil {
				t.Fatal(err)
			}
			c.change(s)
			checkError(t, plancheck.Check(s), c.want)
		})
	}
}

// TestFrozen: the spec of a fitted plan has read its lookups, and keeps what
// older versions allowed.
func TestFrozen(t *testing.T) {
	t.Parallel()
	s := decode(t, soundPlan)
	const unread = `the rows of lookup "prices" were not read from prices.csv`
	if err := plancheck.LookupsRead(s); err == nil || !strings.HasSuffix(err.Error(), unread) {
		t.Errorf("LookupsRead: %v, want %s", err, unread)
	}
	if err := plancheck.CheckFrozen(s); err == nil || !strings.HasSuffix(err.Error(), unread) {
		t.Errorf("CheckFrozen: %v, want %s", err, unread)
	}
	one := 1.0
	s.Lookups[1] = plantext.LookupSpec{Name: "prices", Rows: []plantext.LookupRow{{From: "2024-01-01", Value: &one}}}
	if err := plancheck.LookupsRead(s); err != nil {
		t.Error(err)
	}
	if err := plancheck.CheckFrozen(s); err != nil {
		t.Error(err)
	}
	s.Windows[1].Member = "country" // payments do not carry it
	if err := plancheck.Check(s); err == nil {
		t.Error("a new plan may have a window that no payment can feed")
	}
	if err := plancheck.CheckFrozen(s); err != nil {
		t.Errorf("a plan fitted before that rule: %v", err)
	}
	s.Version = 2
	if err := plancheck.CheckFrozen(s); err == nil {
		t.Error("a frozen plan of version 2 is accepted")
	}
}

// TestFeatureOrder: each feature comes after those that it reads; otherwise the
// plan's order is kept.
func TestFeatureOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ features, want string }{
		{"[{name: x}, {name: a, of: x}, {name: b, of: x}]", "[0 1 2]"},
		{"[{name: a, kernel: sum, of: [c, b]}, {name: b, of: x}, {name: c, kernel: log1p, of: b}]", "[1 2 0]"},
		{"[{name: x, kernel: log1p}, {name: a, of: x}]", "[0 1]"}, // x is the field
		{"[{name: a, of: b}, {name: b, of: c}, {name: c, of: a}]", "features read each other in a cycle: a, b, c, a"},
		{"[{name: x}, {name: a, of: b}, {name: b, kernel: sum, of: [x, a]}]", "in a cycle: a, b, a"},
	} {
		order, err := plancheck.FeatureOrder(decode(t, "version: 1\nfields: [{name: x}]\nfeatures: "+c.features))
		if got := fmt.Sprint(order, err); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.features, got, c.want)
		}
	}
}
