// SPDX-License-Identifier: Apache-2.0

package featurestest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

// Random makes a plan with a few windows of every kind, and a log for it whose
// events come out of order and in bursts, repeat times, and lack values.
func Random(seed uint64) *World {
	r := &random{rand.New(rand.NewPCG(0x7719, seed))}
	w := &World{Name: fmt.Sprintf("random %d", seed), Spec: r.spec()}
	w.Events = r.log(w.Spec)
	return w
}

type random struct{ *rand.Rand }

func pick[T any](r *random, of ...T) T { return of[r.IntN(len(of))] }

func (r *random) chance(p float64) bool { return r.Float64() < p }

func ptr[T any](x T) *T { return &x }

func (r *random) spec() *plantext.Spec {
	s := &plantext.Spec{Version: 1, Name: "random", Time: "time", ID: "id", Kind: "kind",
		Lateness: pick(r, "0s", "5m", "2h", "3d"), Entities: []string{"buyer", "seller", "product"}}
	amount := plantext.FieldSpec{Name: "amount", On: []string{"application", "fact", "note"}}
	if how := pick(r, "", "missing", "clip", "flag"); how != "" {
		amount.Min, amount.Max, amount.Outside = ptr(-150.0), ptr(400.0), how
	}
	s.Fields = []plantext.FieldSpec{
		amount,
		{Name: "fee", On: []string{"application", "fact"}},
		{Name: "paid", Kind: "flag", On: []string{"fact", "note"}},
		{Name: "status", Kind: "text", On: []string{"application", "fact", "note"}},
		{Name: "due", Kind: "time", On: []string{"fact"}},
	}
	s.Derived = []plantext.DerivedSpec{
		{Name: "rate", Kernel: "ratio", Of: plantext.Names{"fee", "amount"}},
		{Name: "net", Kernel: "difference", Of: plantext.Names{"amount", "fee"}},
		{Name: "days_late", Kernel: "days_between", Of: plantext.Names{"due", "event.time"}},
		{Name: "held", Kernel: "clip", Of: plantext.Names{"net"}, Bounds: []float64{-50, 120}},
		{Name: "worth", Kernel: "product", Of: plantext.Names{"held", "rate"}},
	}
	for i := range 3 + r.IntN(4) {
		w := r.window(fmt.Sprintf("w%d", i))
		s.Windows = append(s.Windows, w)
		s.Features = append(s.Features, Readings(r, &w)...)
	}
	return s
}

func (r *random) window(name string) plantext.WindowSpec {
	type names = []string
	w := plantext.WindowSpec{
		Name: name,
		On:   pick(r, names{"fact"}, names{"fact", "note"}, names{"application"}, names{"note", "application", "fact"}),
		Key:  pick(r, names{"buyer"}, names{"seller"}, names{"buyer", "seller"}, names{"status"}, names{"buyer"}),
	}
	w.Value = pick(r, "", "amount", "amount", "amount")
	if len(w.On) == 1 && w.On[0] == "fact" {
		w.Value = pick(r, "amount", "fee", "rate", "net", "days_late", "held", "worth", "paid")
	}
	w.Member = pick(r, "", "seller", "product", "status", "product")
	switch r.IntN(8) {
	case 0:
		w.Length = "all"
	case 1, 2:
		w.Calendar, w.Length = pick(r, "day", "week", "month", "quarter", "year"), pick(r, "1", "2", "3")
		w.Zone = pick(r, "", "Europe/Berlin", "America/New_York", "Asia/Kathmandu",
			"Australia/Lord_Howe", "America/Santiago")
	default:
		w.Length = pick(r, "45m", "6h", "1d", "10d", "30d", "90d")
		w.Hop = pick(r, "", "", w.Length, "45m")
		if w.Hop == "45m" && r.chance(0.5) {
			w.Hop = "7m"
		}
		if w.Hop != "" && (w.Length == "30d" || w.Length == "90d") {
			w.Hop = pick(r, "1d", "7h", "11d")
		}
	}
	if w.Length != "all" && r.chance(0.25) {
		w.Offset = pick(r, "1", "2", "12")
		if w.Calendar == "" {
			w.Offset = pick(r, "45m", "5h", "1d", "10d")
			if w.Hop == "7m" || w.Length == "45m" {
				w.Offset = "3h"
			}
		}
	}
	w.Members, w.Samples, w.HalfLife = pick(r, 0, 0, 3, 6), pick(r, 0, 0, 8), pick(r, "", "6h", "5d")
	for range pick(r, 0, 0, 0, 1, 1, 2) {
		w.Where = append(w.Where, r.condition(w.On))
	}
	return w
}

func (r *random) condition(on []string) plantext.WhereSpec {
	number := func() *float64 { return ptr(pick(r, 0, 0.35, 50, 99.99, -10.0)) }
	switch r.IntN(7) {
	case 0:
		return plantext.WhereSpec{Field: "status", Is: []string{"open", "NA", " "}}
	case 1:
		return plantext.WhereSpec{Field: "status", Not: []string{"open", "null"}}
	case 2:
		return plantext.WhereSpec{Field: pick(r, "status", "amount"), Missing: ptr(r.chance(0.5))}
	case 3:
		return plantext.WhereSpec{Field: "amount", AtLeast: number()}
	case 4:
		return plantext.WhereSpec{Field: "amount", AtMost: ptr(200.0), Above: number()}
	case 5:
		if slices.Equal(on, []string{"fact"}) {
			return plantext.WhereSpec{Field: pick(r, "days_late", "held", "paid"), Above: number()}
		}
	}
	return plantext.WhereSpec{Field: "amount", Below: ptr(300.0)}
}

// Readings returns a feature for every kernel that can read a window.
func Readings(r interface{ IntN(int) int }, w *plantext.WindowSpec) []plantext.FeatureSpec {
	var out []plantext.FeatureSpec
	add := func(kernel string, set func(f *plantext.FeatureSpec)) {
		f := plantext.FeatureSpec{Name: w.Name + "_" + kernel, Kernel: kernel, Window: w.Name}
		if set != nil {
			set(&f)
		}
		out = append(out, f)
	}
	k := func(f *plantext.FeatureSpec) { f.K = 1 + r.IntN(5) }
	rare := func(f *plantext.FeatureSpec) { f.MinCount = 1 + r.IntN(4) }
	for _, kernel := range []string{"count", "since_last", "age", "decayed_count"} {
		add(kernel, nil)
	}
	if w.Value != "" {
		for _, kernel := range []string{
			"window_sum", "mean", "min", "max", "std", "latest", "earliest", "median", "slope",
			"decayed_sum", "decayed_mean",
		} {
			add(kernel, nil)
		}
		add("quantile", func(f *plantext.FeatureSpec) { f.Quantile = ptr([]float64{0, 0.1, 0.75, 0.9, 1}[r.IntN(5)]) })
	}
	if w.Offset == "" {
		add("since_nth", k)
		if w.Value != "" {
			for _, kernel := range []string{"nth_latest", "change", "last_sum", "last_mean", "last_min",
				"last_max", "streak"} {
				add(kernel, k)
			}
		}
	}
	if w.Member == "" {
		return out
	}
	for _, kernel := range []string{"share", "hhi", "entropy"} {
		add(kernel, nil)
	}
	add("top_share", k)
	for _, kernel := range []string{"count_of", "share_of"} {
		add(kernel, func(f *plantext.FeatureSpec) { f.Is = []string{"open", "seller 1", "product 2", "NA"} })
	}
	for _, kernel := range []string{"mode", "latest_text", "earliest_text"} {
		add(kernel, rare)
	}
	if w.Offset == "" {
		add("distinct", nil)
	}
	return out
}

// log makes events for a spec: some months around a change to summer time.
func (r *random) log(s *plantext.Spec) []assay.Event {
	at := time.Date(2024, 3, 20, 0, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	late := map[string]time.Duration{"0s": time.Minute, "5m": 10 * time.Minute, "2h": 4 * time.Hour,
		"3d": 5 * day}[s.Lateness]
	var out []assay.Event
	for n := 120 + r.IntN(180); len(out) < n; {
		switch r.IntN(20) {
		case 0, 1, 2: // the same time as the last event
		case 3:
			at = at.Add(time.Duration(r.IntN(20*24)) * time.Hour)
		case 4: // on the boundary of a pane
			at = at.Add(24 * time.Hour).Truncate(24 * time.Hour)
		default:
			at = at.Add(time.Duration(r.Int64N(int64(12*time.Hour)) >> r.IntN(8))).Truncate(time.Microsecond)
		}
		if r.chance(0.04) { // many members at once
			burst := r.event(len(out), at)
			for range 20 + r.IntN(30) {
				e := r.event(len(out), at)
				others := slices.DeleteFunc(slices.Clone(burst.Entities), func(e assay.Entity) bool {
					return e.Role == "product"
				})
				e.Kind, e.Entities = "fact",
					append(others, assay.Entity{Role: "product", ID: fmt.Sprintf("rare %d", r.IntN(1000))})
				out = append(out, e)
			}
			continue
		}
		when := at
		if r.chance(0.3) {
			when = at.Add(-time.Duration(r.Float64() * float64(late))).Truncate(time.Microsecond)
		}
		out = append(out, r.event(len(out), when))
	}
	return out
}

func (r *random) event(n int, at time.Time) assay.Event {
	e := assay.Event{ID: fmt.Sprint("e", n), Kind: pick(r, "application", "application", "fact", "fact", "note"),
		Time: at}
	role := func(name string, of int) {
		if !r.chance(0.05) {
			e.Entities = append(e.Entities, assay.Entity{Role: name, ID: fmt.Sprintf("%s %d", name, r.IntN(of))})
		}
	}
	role("buyer", 4)
	role("seller", 5)
	role("product", 9)
	set := func(name string, v assay.Value) {
		if !r.chance(0.12) {
			e.Fields = append(e.Fields, assay.Field{Name: name, Value: v})
		}
	}
	cents := r.IntN(30_000) + r.IntN(30_000) - 22_000 // whole numbers: the same on every machine
	amount := float64(cents) / 100
	if r.chance(0.03) {
		amount = pick(r, -999, 1e6, 0.0)
	}
	set("amount", assay.NumberValue(amount))
	if e.Kind != "note" {
		set("fee", assay.NumberValue(float64(r.IntN(300))/100))
	}
	if e.Kind != "application" {
		set("paid", assay.FlagValue(r.chance(0.6)))
	}
	set("status", assay.TextValue(pick(r, "open", "closed", "NA", "null", " ", "open")))
	if e.Kind == "fact" {
		set("due", assay.InstantValue(at.Add(time.Duration(r.IntN(60*24)-30*24)*time.Hour)))
	}
	return e
}
