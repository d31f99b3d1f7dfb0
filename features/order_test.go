// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

var time2024 = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const orderPlan = `
version: 1
time: time
kind: kind
entities: [buyer]
fields: [{name: x}, {name: sector, kind: text, on: [application, payment]}]
windows:
  - {name: paid, key: [buyer], on: [payment], length: 90d}
  - {name: sector, key: [sector], on: [payment], length: all}
features:
  - {name: n, kernel: count, window: paid}
  - {name: of_sector, kernel: count, window: sector}
`

var orderColumns = []string{"time", "kind", "buyer", "sector"}

// TestOrder: late rows, dates far ahead of the rest and unknown kinds are counted
// as a server would see them.
func TestOrder(t *testing.T) {
	t.Parallel()
	day := func(n int, kind string) []string {
		return []string{time2024.AddDate(0, 0, n).Format(time.RFC3339), kind, "a", "s"}
	}
	for name, c := range map[string]struct {
		extra string
		rows  [][]string
		late  string
		ahead string
	}{
		"in order": {"", [][]string{day(0, "payment"), day(1, "application"), day(1, "payment")}, "0 []",
			"[]"},
		"out of order": {"", [][]string{day(0, "payment"), day(5, "payment"), day(3, "application"),
			day(5, "payment"), day(4, "payment")}, "2 [{2 1 48h0m0s} {4 3 24h0m0s}]", "[]"},
		"within the lateness": {"lateness: 2d",
			[][]string{day(0, "payment"), day(5, "payment"), day(3, "application")}, "0 []", "[]"},
		"an unknown kind": {"", [][]string{day(0, "payment"), day(900, "visit"), day(3, "application")}, "0 []",
			"[]"},
		"a wrong date": {"", [][]string{day(0, "payment"), day(900, "payment"), day(3, "application"),
			day(4, "application")}, "2 [{2 1 21528h0m0s} {3 1 21504h0m0s}]",
			"[{1 2026-06-19 00:00:00 +0000 UTC 21504h0m0s}]"},
		"a wrong date at last": {"", [][]string{day(0, "payment"), day(1, "payment"), day(3, "application"),
			day(370, "payment")}, "0 []", "[{3 2025-01-05 00:00:00 +0000 UTC 8808h0m0s}]"},
		"a pause that is": {"ahead: 2w", [][]string{day(0, "payment"), day(1, "payment"), day(3, "application"),
			day(18, "payment")}, "0 []", "[{3 2024-01-19 00:00:00 +0000 UTC 360h0m0s}]"},
		"a pause that may be": {"ahead: 3w", [][]string{day(0, "payment"), day(1, "payment"), day(3, "application"),
			day(18, "payment")}, "0 []", "[]"},
		"an old event": {"", [][]string{day(-9000, "payment"), day(1, "payment"), day(3, "application"),
			day(5, "payment")}, "0 []", "[]"},
	} {
		o, err := features.CheckOrder(spec(t, orderPlan+c.extra), cells(t, orderColumns, c.rows))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := fmt.Sprint(o.Late, " ", o.First); got != c.late {
			t.Errorf("%s: late %s, want %s", name, got, c.late)
		}
		if got := fmt.Sprint(o.Ahead); got != c.ahead {
			t.Errorf("%s: ahead %s, want %s", name, got, c.ahead)
		}
	}
	o, err := features.CheckOrder(spec(t,
		orderPlan), cells(t, orderColumns, [][]string{day(0, "visit"), day(1, "payment"), day(1, "visit")}))
	if err != nil || o.Unknown["visit"] != 2 || o.Events != 1 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestUnknownKindsMoveNoTime: an event that a server would refuse makes no later
// row of a table late.
func TestUnknownKindsMoveNoTime(t *testing.T) {
	t.Parallel()
	s := spec(t, orderPlan)
	rec := cells(t, orderColumns, [][]string{{"2024-01-01", "payment", "a", "s"}, {"2150-01-01", "visit", "a", "s"},
		{"", "visit", "", ""}, {"2024-01-02", "payment", "a", "s"}, {"2024-01-03", "application", "a", "s"}})
	p, r, err := features.Fit(t.Context(), s, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(t.Context(), rec)
	if err != nil || m.Columns[0][0] != 2 || m.Columns[1][0] != 2 {
		t.Errorf("the windows hold %v and %v, %v, want 2 and 2", m.Columns[0], m.Columns[1], err)
	}
	if got := fmt.Sprint(r.Windows); got != "[{paid [{paid payment 2 0 0 0}] 1 1 2 false} {sector [{sector payment 2 "+
		"0 0 0}] 1 1 2 false}]" {
		t.Errorf("the report says %s", got)
	}
}

// TestWindowReports: what windows counted, what came late or lacked a key, and
// how many scored rows had a value.
func TestWindowReports(t *testing.T) {
	t.Parallel()
	rec := cells(t, orderColumns, [][]string{
		{"2024-01-05", "application", "b", "s"}, {"2024-01-05", "payment", "a", ""}, {"2024-01-04", "payment", "a",
			"s"}, {"2024-01-06", "payment", "", "s"},
		{"2024-01-06", "application", "a", "u"}, {"2024-01-06", "application", "", "s"},
		{"2024-01-07", "payment", "a", "s"},
	})
	log, err := features.Replay(t.Context(), spec(t, orderPlan), rec)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(log.Windows()); got != "[{paid [{paid payment 2 1 1 0}] 3 1 1 false} {sector [{sector "+
		"payment 2 1 1 0}] 3 1 1 false}]" {
		t.Errorf("the report says %s", got)
	}
}

// TestLogServesPlans: plans that are fitted on rows of a log that was
// replayed once equal those that are fitted with a replay of their own.
func TestLogServesPlans(t *testing.T) {
	t.Parallel()
	s := spec(t, orderPlan)
	var rows [][]string
	for i := range 400 {
		rows = append(rows, []string{time2024.Add(time.Duration(i) * time.Hour).Format(time.RFC3339),
			[]string{"payment", "application"}[i%2], fmt.Sprint("b", i%7), fmt.Sprint("s", i%3)})
	}
	rec := cells(t, orderColumns, rows)
	log, err := features.Replay(t.Context(), s, rec)
	if err != nil {
		t.Fatal(err)
	}
	for _, some := range [][]int{nil, {1, 3, 5, 7, 101}, {0, 2, 4, 399}} {
		one, _, err := log.Fit(t.Context(), some)
		if err != nil {
			t.Fatal(err)
		}
		two, _, err := features.Fit(t.Context(), s, rec, some)
		if err != nil || one.Digest() != two.Digest() {
			t.Fatalf("two plans of rows %v: %v", some, err)
		}
		a, err := log.Matrix(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		b, err := two.Matrix(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		for c := range a.Columns {
			for i := range a.Columns[c] {
				if math.Float64bits(a.Columns[c][i]) != math.Float64bits(b.Columns[c][i]) {
					t.Fatalf("rows %v: value %d of column %d is %v and %v", some, i, c,
						a.Columns[c][i], b.Columns[c][i])
				}
			}
		}
	}
	other, _, err := features.Fit(t.Context(), spec(t, strings.Replace(orderPlan, "90d", "30d", 1)), rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Matrix(t.Context(), other); !errors.Is(err, assay.ErrPrecondition) {
		t.Errorf("a plan of other windows: %v", err)
	}
}

// TestNamesOfWindows: what a window reads must be there, in the table and in
// the events that feed it.
func TestNamesOfWindows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ plan, want string }{
		"a member": {strings.Replace(orderPlan, "on: [payment], length: 90d",
			"on: [payment], member: sector, length: 90d", 1), ""},
		"where": {strings.Replace(orderPlan, "on: [payment], length: 90d",
			"on: [payment], where: {field: x, above: 0}, length: 90d", 1), `kind "payment" do not carry field "x"`},
		"another kind": {strings.Replace(orderPlan, "on: [payment], length: all", "on: [payment, order], length: all",
			1), `kind "order" do not carry field "sector"`},
		"another limit": {orderPlan + "ahead: long\n", "no length of time"},
	} {
		_, err := features.ParseSpec([]byte(c.plan))
		var at *plantext.SpecError
		if (err == nil) != (c.want == "") || err != nil &&
			(!errors.As(err, &at) || at.Line == 0 || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q with its place", name, err, c.want)
		}
	}
	row := [][]string{{"2024-01-05", "application", "b", "s"}}
	for missing, hint := range map[string]string{"buyer": `did you mean "Buyer_"`, "sector": `window "sector"`} {
		columns := append([]string{}, orderColumns...)
		for i := range columns {
			if columns[i] == missing {
				columns[i] = strings.ToUpper(missing[:1]) + missing[1:] + "_"
			}
		}
		_, _, err := features.Fit(t.Context(), spec(t, orderPlan), cells(t, columns, row), nil)
		var field *assay.FieldError
		if !errors.As(err, &field) || field.Field != missing || !strings.Contains(err.Error(), hint) {
			t.Errorf("without column %s: %v", missing, err)
		}
	}
}

// TestYearsOfTypedColumns: times must be in the years that a server accepts,
// whatever the type of the column.
func TestYearsOfTypedColumns(t *testing.T) {
	t.Parallel()
	s := spec(t, "version: 1\ntime: at\nfields: [{name: due, kind: time}]\nfeatures: [{name: left, kernel: "+
		"days_between, of: [event.time, due]}]\n")
	good := time2024
	for _, typ := range []arrow.DataType{arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Timestamp_s,
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64, arrow.BinaryTypes.String} {
		for _, year := range []int{1850, 1899, 1900, 2200, 2201, 9999} {
			for _, column := range []string{"at", "due"} {
				wrong := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)
				at, due := good, good
				if column == "at" {
					at = wrong
				} else {
					due = wrong
				}
				b := array.NewRecordBuilder(memory.DefaultAllocator,
					arrow.NewSchema([]arrow.Field{{Name: "at", Type: typ}, {Name: "due", Type: typ}}, nil))
				for c, x := range []time.Time{at, due} {
					switch f := b.Field(c).(type) {
					case *array.TimestampBuilder:
						unit := typ.(*arrow.TimestampType).Unit
						f.Append(arrow.Timestamp(x.Unix() * int64(time.Second/unit.Multiplier())))
					case *array.Date32Builder:
						f.Append(arrow.Date32FromTime(x))
					case *array.Date64Builder:
						f.Append(arrow.Date64FromTime(x))
					case *array.StringBuilder:
						f.Append(x.Format(time.RFC3339))
					}
				}
				rec := b.NewRecord()
				bad, err := features.CheckRows(s, rec, 10)
				if err != nil {
					t.Fatal(err)
				}
				p, _, err := features.Fit(t.Context(), s, rec, nil)
				refused := len(bad) > 0 || err != nil
				if column == "at" && err == nil {
					_, err = p.Matrix(t.Context(), rec)
					refused = refused || err != nil
				}
				if want := year < 1900 || year > 2200; refused != want {
					t.Errorf("%s of %s in %d: refused %v, want %v (%v, %v)", column, typ, year, refused, want, bad, err)
				}
				rec.Release()
				b.Release()
			}
		}
	}
}

// TestEventsIsOn: events is another name of on, for readers of YAML 1.1.
func TestEventsIsOn(t *testing.T) {
	t.Parallel()
	s := spec(t, strings.ReplaceAll(orderPlan, "on: [", "events: ["))
	if got, want := string(s.YAML()), string(spec(t, orderPlan).YAML()); got != want {
		t.Errorf("the plan is written as\n%swant\n%s", got, want)
	}
	_, err := features.ParseSpec(
		[]byte(strings.Replace(orderPlan, "on: [payment], length: 90d", "on: [payment], events: [payment], length: 90d",
			1)))
	if err == nil || !strings.Contains(err.Error(), "two names for the same") ||
		!strings.Contains(err.Error(), "line 8") {
		t.Errorf("both names: %v", err)
	}
}
