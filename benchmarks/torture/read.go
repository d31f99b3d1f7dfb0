// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// row is one operator on one place: how often it was injected, and what found
// it.
type row struct {
	where, operator           string
	injected, found, repaired int
	by                        map[string]int // check: how often it was the first to say so
}

// tally is what all parts counted.
type tally struct {
	counts  map[string]float64 // COUNT lines, summed
	seconds map[string]float64 // S lines, the greatest
	rows    []row
}

func readAll(o options) (*tally, error) {
	t := &tally{counts: map[string]float64{}, seconds: map[string]float64{}}
	for _, p := range parts(o) {
		b, err := os.ReadFile(p.file(o.keep))
		if o.partial && errors.Is(err, fs.ErrNotExist) {
			continue // the tables have what was counted, and how often
		}
		if err != nil {
			return nil, err
		}
		if err := t.read(b); err != nil {
			return nil, fmt.Errorf("%s: %w", p.file(o.keep), err)
		}
	}
	return t, nil
}

// read adds the lines of one output of go test -v.
func (t *tally) read(out []byte) error {
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		// A test's own line begins with blanks, its file and its line.
		_, text, ok := strings.Cut(s.Text(), ".go:")
		if !ok || !strings.HasPrefix(s.Text(), "    ") {
			continue
		}
		if _, text, ok = strings.Cut(text, ": "); !ok {
			continue
		}
		if f, ok := figure.Parse(text); ok {
			switch f.Kind {
			case "COUNT":
				t.counts[f.Name] += f.Value
			case "S":
				t.seconds[f.Name] = max(t.seconds[f.Name], f.Value)
			}
		}
		if strings.HasPrefix(text, "| ") {
			r, ok, err := readRow(text)
			if err != nil {
				return err
			}
			if ok {
				t.rows = append(t.rows, r)
			}
		}
	}
	return s.Err()
}

// readRow reads a row of a table; ok is false for its head.
func readRow(text string) (r row, ok bool, err error) {
	cells := strings.Split(strings.Trim(text, "| "), "|")
	if len(cells) != 6 && len(cells) != 5 {
		return r, false, fmt.Errorf("%q is not a row of six cells", text)
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	if cells[2] == "injected" {
		return r, false, nil
	}
	r = row{where: cells[0], operator: cells[1], by: map[string]int{}}
	for i, to := range []*int{&r.injected, &r.found, &r.repaired} {
		if *to, err = strconv.Atoi(cells[2+i]); err != nil {
			return r, false, fmt.Errorf("%q: %w", text, err)
		}
	}
	if len(cells) == 5 || cells[5] == "" {
		return r, true, nil // all of them were repaired
	}
	sum := 0
	for _, c := range strings.Split(cells[5], ", ") {
		at := strings.LastIndexByte(c, ' ')
		n, err := strconv.Atoi(c[at+1:])
		if err != nil {
			return r, false, fmt.Errorf("%q: %w", text, err)
		}
		r.by[c[:max(at, 0)]] += n
		sum += n
	}
	if sum != r.found {
		return r, false, fmt.Errorf("%q: checks are named for %d of %d", text, sum, r.found)
	}
	return r, true, nil
}
