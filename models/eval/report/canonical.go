// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
)

// The report sorts rows by their content, so that their order in the file does not
// matter: by a hash of label, scores and time, then by a hash of everything else,
// then by name. Samples, draws, folds and sums then depend on the rows alone. The
// first hash leaves out features, so that adding a column or renaming a category
// moves only rows whose label, scores and time are equal.

// mix folds a value into a hash; the finisher is splitmix64's.
func mix(h, v uint64) uint64 {
	z := (h ^ v) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func mixFloat(h uint64, x []float64, i int) uint64 {
	if len(x) == 0 {
		return h
	}
	return mix(h, math.Float64bits(x[i]+0)) // -0 + 0 is +0
}

func mixTime(h uint64, at []time.Time, i int) uint64 {
	if len(at) == 0 {
		return h
	}
	return mix(h, uint64(at[i].UnixNano()))
}

func hashName(s string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(s) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// contentOrder sorts n rows by the hash first; second and name break ties, and are
// called only for rows whose first hashes are equal.
func contentOrder(n int, first, second func(i int) uint64, name func(i int) string) []int32 {
	type keyed struct {
		key uint64
		row int32
	}
	keys := make([]keyed, n)
	for i := range keys {
		keys[i] = keyed{first(i), int32(i)}
	}
	slices.SortFunc(keys, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row)) })
	order := make([]int32, n)
	for k := range keys {
		order[k] = keys[k].row
	}
	for from := 0; from < n; {
		to := from + 1
		for to < n && keys[to].key == keys[from].key {
			to++
		}
		if tied := order[from:to]; len(tied) > 1 {
			more := make(map[int32]uint64, len(tied))
			for _, i := range tied {
				more[i] = second(int(i))
			}
			slices.SortStableFunc(tied, func(a, b int32) int {
				return cmp.Or(cmp.Compare(more[a], more[b]), strings.Compare(name(int(a)), name(int(b))))
			})
		}
		from = to
	}
	return order
}

// sortByContent sorts the builder's copy of the input by content. The caller's slices
// are not changed, and its functions still get the caller's row numbers.
func (b *builder) sortByContent() {
	in := b.in
	b.evaluatedOrder()
	b.trainingOrder()
	if d := in.Declined; d != nil {
		order := contentOrder(len(d.PD), func(i int) uint64 {
			return mixFloat(mixFloat(0, d.PD, i), d.Weight, i)
		}, func(int) uint64 { return 0 }, noName)
		in.Declined = &Declined{PD: eval.Select(d.PD, order), Weight: eval.Select(d.Weight, order)}
	}
	in.Backtest = slices.Clone(in.Backtest)
	for k := range in.Backtest {
		in.Backtest[k].sortByContent()
	}
}

// Order returns the row numbers in the order in which the report sorts them; samples
// are evenly spaced rows in this order. The input must be one that Build accepts.
func Order(in Input) []int32 {
	b := &builder{ctx: context.Background(), in: &in}
	b.evaluatedOrder()
	return b.original
}

func (p *Period) sortByContent() {
	order := contentOrder(len(p.Label), func(i int) uint64 {
		return mixFloat(mixFloat(mixFloat(mixFloat(0, p.Label, i), p.PD, i), p.Margin, i), p.Weight, i)
	}, func(int) uint64 { return 0 }, noName)
	p.Label, p.PD, p.Margin = eval.Select(p.Label, order), eval.Select(p.PD, order), eval.Select(p.Margin, order)
	p.Weight = eval.Select(p.Weight, order)
}

func noName(int) string { return "" }

// evaluatedOrder sorts everything that has a value for each evaluated row.
func (b *builder) evaluatedOrder() {
	in := b.in
	n := len(in.Label)
	names := make([]uint64, len(in.Features))
	for j, f := range in.Features {
		names[j] = hashName(f.Name)
	}
	first := func(i int) uint64 {
		return mixTime(mixFloat(mixFloat(mixFloat(0, in.Label, i), in.PD, i), in.Margin, i), in.Time, i)
	}
	// Features are added up, so that the order of columns does not matter, and
	// missing ones add nothing, as if the column were not there.
	second := func(i int) (h uint64) {
		for j := range in.Features {
			if v := in.Features[j].Values; v[i] == v[i] {
				h += mixFloat(names[j], v, i)
			}
		}
		if len(in.Outcome) > 0 {
			h = mix(h, uint64(in.Outcome[i]))
		}
		for _, s := range []*Strategy{in.Before, in.After} {
			if s != nil {
				h = mixFloat(mix(h, uint64(s.Outcome[i])), s.Loss, i)
			}
		}
		for _, c := range append(slices.Clone(in.Segments), in.Groups...) {
			h = mix(h, uint64(c.Code[i]))
		}
		for _, c := range in.Challenger {
			h = mixFloat(h, c.Score, i)
		}
		if in.Champion != nil {
			h = mixFloat(h, in.Champion.Score, i)
		}
		if in.Economics != nil {
			h = mixFloat(h, in.Economics.Amount, i)
		}
		for _, f := range in.Fields {
			h = mixFloat(h, f.Values, i)
		}
		return mixFloat(mixFloat(mixFloat(h, in.RawPD, i), in.Served, i), in.Weight, i)
	}
	name := noName
	if in.Names != nil {
		name = func(i int) string { return in.Names[i] }
	}
	b.original = contentOrder(n, first, second, name)
	in.reorder(b.original, b)
}

// reorder puts every slice of evaluated rows into the given order, and wraps the
// caller's functions so that they get the caller's row numbers.
func (in *Input) reorder(order []int32, b *builder) {
	for _, x := range []*[]float64{&in.Label, &in.Weight, &in.PD, &in.Margin, &in.RawPD, &in.Points, &in.Served} {
		*x = eval.Select(*x, order)
	}
	in.Time, in.Names, in.Outcome = eval.Select(in.Time, order), eval.Select(in.Names, order),
		eval.Select(in.Outcome, order)
	in.Features, in.Fields = slices.Clone(in.Features), slices.Clone(in.Fields)
	b.each(len(in.Features), func(j int) { in.Features[j].Values = eval.Select(in.Features[j].Values, order) })
	b.each(len(in.Fields), func(j int) { in.Fields[j].Values = eval.Select(in.Fields[j].Values, order) })
	in.Segments, in.Groups = slices.Clone(in.Segments), slices.Clone(in.Groups)
	for _, of := range [][]Category{in.Segments, in.Groups} {
		for k := range of {
			of[k].Code = eval.Select(of[k].Code, order)
		}
	}
	if g := in.Grades; g != nil {
		in.Grades = &Category{Name: g.Name, Levels: g.Levels, Code: eval.Select(g.Code, order), Reference: g.Reference}
	}
	in.Challenger = slices.Clone(in.Challenger)
	for k := range in.Challenger {
		in.Challenger[k].reorder(order)
	}
	if in.Champion != nil {
		c := *in.Champion
		c.reorder(order)
		in.Champion = &c
	}
	if e := in.Economics; e != nil {
		in.Economics = &Economics{Unit: e.Unit, Profit: e.Profit, Loss: e.Loss, Amount: eval.Select(e.Amount, order)}
	}
	for _, s := range []**Strategy{&in.Before, &in.After} {
		if o := *s; o != nil {
			*s = &Strategy{Name: o.Name, Outcome: eval.Select(o.Outcome, order), Loss: eval.Select(o.Loss, order)}
		}
	}
	in.reorderFunctions(order)
}

func (c *Challenger) reorder(order []int32) {
	c.Score, c.PD = eval.Select(c.Score, order), eval.Select(c.PD, order)
}

func (in *Input) reorderFunctions(order []int32) {
	if f := in.Contributions; f != nil {
		in.Contributions = func(dst []float64, row int) { f(dst, int(order[row])) }
	}
	if f := in.Reasons; f != nil {
		in.Reasons = func(row int) []assay.Reason { return f(int(order[row])) }
	}
	if f := in.Restate; f != nil {
		in.Restate = func(ctx context.Context, rows []int, trials []Trial) ([][]float64, error) {
			original := make([]int, len(rows))
			for k, i := range rows {
				original[k] = int(order[i])
			}
			return f(ctx, original, trials)
		}
	}
}

// trainingOrder does the same for the training rows.
func (b *builder) trainingOrder() {
	in := b.in
	if in.Train == nil {
		return
	}
	t := *in.Train
	in.Train = &t
	order := contentOrder(len(t.Label), func(i int) uint64 {
		return mixTime(mixFloat(mixFloat(mixFloat(0, t.Label, i), t.PD, i), t.Margin, i), t.Known, i)
	}, func(i int) (h uint64) {
		for j := range in.Features {
			if v := in.Features[j].Train; i < len(v) && v[i] == v[i] {
				h += mixFloat(hashName(in.Features[j].Name), v, i)
			}
		}
		return mixFloat(mixFloat(h, t.OutOfFold, i), t.Weight, i)
	}, noName)
	for _, x := range []*[]float64{&t.Label, &t.Weight, &t.PD, &t.Margin, &t.OutOfFold, &t.OutOfFoldPD} {
		*x = eval.Select(*x, order)
	}
	t.Known = eval.Select(t.Known, order)
	b.each(len(in.Features), func(j int) {
		if v := in.Features[j].Train; len(v) == len(order) {
			in.Features[j].Train = eval.Select(v, order)
		}
	})
}
