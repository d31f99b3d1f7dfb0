// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
)

// chunksOf yields d in pieces whose sizes go around the given ones.
func chunksOf(d *Dataset, sizes ...int) iter.Seq2[*Dataset, error] {
	return func(yield func(*Dataset, error) bool) {
		for at, k := 0, 0; at < d.Rows(); k++ {
			n := min(sizes[k%len(sizes)], d.Rows()-at)
			rows := make([]int, n)
			for i := range rows {
				rows[i] = at + i
			}
			if !yield(d.Subset(rows), nil) {
				return
			}
			at += n
		}
	}
}

// TestChunks: a table in pieces gives the model of the table in one.
func TestChunks(t *testing.T) {
	d := synthetic(9000, 21)
	d.Weight = make([]float64, 9000)
	for i := range d.Weight {
		d.Weight[i] = float64(1 + i%3)
	}
	p := DefaultParams()
	p.NumIterations, p.BinConstructSample, p.NumThreads = 5, 2000, 2
	want := digest(mustTrain(t, d, p, Options{}).Model)
	q := p
	q.BinConstructSample = 9000
	every := digest(mustTrain(t, d, q, Options{}).Model)
	for _, sizes := range [][]int{{9000}, {1}, {4096, 1, 700}} {
		if bins, err := BinSample(context.Background(), d, 9000, chunksOf(d, sizes...), q); err != nil {
			t.Fatal(err)
		} else if r, err := bins.Train(context.Background(), q, Options{}); err != nil || digest(r.Model) != every {
			t.Errorf("a sample of all rows and chunks of %v rows give another model (%v)", sizes, err)
		}
		bins, err := BinChunks(context.Background(), 9000, chunksOf(d, sizes...), p)
		if err != nil {
			t.Fatal(err)
		}
		r, err := bins.Train(context.Background(), p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if digest(r.Model) != want {
			t.Errorf("chunks of %v rows give another model", sizes)
		}
	}
}

func TestBadChunks(t *testing.T) {
	d, p := synthetic(100, 1), DefaultParams()
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		rows   int
		chunks iter.Seq2[*Dataset, error]
		is     error
		want   string
	}{
		"too few":  {101, chunksOf(d, 30), assay.ErrInvalid, "100 rows of 101"},
		"too many": {99, chunksOf(d, 30), assay.ErrInvalid, "more than 99 rows"},
		"none":     {0, chunksOf(d, 30), assay.ErrInvalid, "0 rows"},
		"failing":  {100, func(yield func(*Dataset, error) bool) { yield(nil, broken) }, broken, "disk"},
		"columns": {200, func(yield func(*Dataset, error) bool) {
			e := d.Subset([]int{1, 2})
			e.Columns, e.Categorical = e.Columns[:3], e.Categorical[:3]
			_ = yield(d, nil) && yield(e, nil)
		}, assay.ErrInvalid, "has 3 columns"},
		"kinds": {200, func(yield func(*Dataset, error) bool) {
			e := *d
			e.Categorical = slices.Clone(d.Categorical)
			e.Categorical[0] = true
			_ = yield(d, nil) && yield(&e, nil)
		}, assay.ErrInvalid, "another name or kind"},
	} {
		_, err := BinChunks(context.Background(), c.rows, c.chunks, p)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
