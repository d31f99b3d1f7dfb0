// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// embedded are the sets that the repository carries, with their label.
var embedded = map[string]string{"credit_data.csv": "Status", "lending_club.csv": "Class"}

// shared reads a public set as columns: numbers stay, text becomes codes in
// the order of its sorted names. A label of words is 1 where it says "bad".
func shared(t testing.TB, name string) *Data {
	t.Helper()
	label, inside := embedded[name]
	path := filepath.Join("..", "..", "datasets", "embedded", name)
	if !inside {
		label, path = "target", filepath.Join("..", "..", "..", "shared", "data", name)
	}
	f, err := os.Open(path)
	if err != nil && !inside {
		t.Skipf("the public data sets are not next to the repository: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head, rows := all[0], all[1:]
	d := &Data{}
	for j, h := range head {
		x, text := make([]float64, len(rows)), []string{}
		numeric := true
		for i, r := range rows {
			v, err := strconv.ParseFloat(r[j], 64)
			switch {
			case r[j] == "" || r[j] == "NA":
				v = math.NaN()
			case h == label && err != nil:
				if v = 0; r[j] == "bad" {
					v = 1
				}
			case err != nil:
				numeric = false
				text = append(text, r[j])
			}
			x[i] = v
		}
		if h == label {
			d.Label = x
			continue
		}
		if !numeric {
			slices.Sort(text)
			text = slices.Compact(text)
			for i, r := range rows {
				x[i] = math.NaN()
				if k, ok := slices.BinarySearch(text, r[j]); ok {
					x[i] = float64(k)
				}
			}
		}
		d.Names, d.Columns, d.Categorical = append(d.Names, h), append(d.Columns, x), append(d.Categorical, !numeric)
	}
	return d
}

// folds numbers the rows as data/README.md defines: rows of one label in turn.
func folds(label []float64) []int {
	var seen [2]int
	out := make([]int, len(label))
	for i, y := range label {
		out[i] = seen[int(y)] % 5
		seen[int(y)]++
	}
	return out
}

func (d *Data) where(keep func(i int) bool) *Data {
	out := &Data{Names: d.Names, Categorical: d.Categorical, Columns: make([][]float64, len(d.Columns))}
	for i, y := range d.Label {
		if !keep(i) {
			continue
		}
		out.Label = append(out.Label, y)
		for j, c := range d.Columns {
			out.Columns[j] = append(out.Columns[j], c[i])
		}
	}
	return out
}

func (d *Data) row(i int) []float64 {
	x := make([]float64, len(d.Columns))
	for j, c := range d.Columns {
		x[j] = c[i]
	}
	return x
}

func auc(label, score []float64) float64 {
	var won, pairs float64
	order := make([]int, len(label))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b]:
			return -1
		case score[a] > score[b]:
			return 1
		}
		return 0
	})
	good := 0.0
	for i := 0; i < len(order); {
		j, g, b := i, 0.0, 0.0
		for ; j < len(order) && score[order[j]] == score[order[i]]; j++ {
			if label[order[j]] == 1 {
				b++
			} else {
				g++
			}
		}
		won += b * (good + g/2)
		good += g
		i = j
	}
	pairs = good * (float64(len(label)) - good)
	return won / pairs
}
