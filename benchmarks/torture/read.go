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

// tamperRow is one way to tamper with one place: how often it was done, and what
// found it.
type tamperRow struct {
	where, operator           string
	injected, found, repaired int
	foundBy                   map[string]int // by check: how often it was the first to find it
}

// totals is what all test runs counted.
type totals struct {
	counts  map[string]float64 // COUNT lines, summed
	seconds map[string]float64 // S lines, the greatest
	rows    []tamperRow
}

func readAll(o options) (*totals, error) {
	t := &totals{counts: map[string]float64{}, seconds: map[string]float64{}}
	for _, p := range testRuns(o) {
		b, err := os.ReadFile(p.file(o.keep))
		if o.partial && errors.Is(err, fs.ErrNotExist) {
			continue // the tables show what was counted
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
func (t *totals) read(out []byte) error {
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		// A line that a test logged begins with blanks, its file and its line.
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

// readRow reads a row of a table; ok is false for the table's heading.
func readRow(text string) (r tamperRow, ok bool, err error) {
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
	r = tamperRow{where: cells[0], operator: cells[1], foundBy: map[string]int{}}
	for i, to := range []*int{&r.injected, &r.found, &r.repaired} {
		if *to, err = strconv.Atoi(cells[2+i]); err != nil {
			return r, false, fmt.Errorf("%q: %w", text, err)
		}
	}
	if len(cells) == 5 || cells[5] == "" {
		return r, true, nil // all were repaired
	}
	sum := 0
	for _, c := range strings.Split(cells[5], ", ") {
		at := strings.LastIndexByte(c, ' ')
		n, err := strconv.Atoi(c[at+1:])
		if err != nil {
			return r, false, fmt.Errorf("%q: %w", text, err)
		}
		r.foundBy[c[:max(at, 0)]] += n
		sum += n
	}
	if sum != r.found {
		return r, false, fmt.Errorf("%q: the checks found %d, not %d", text, sum, r.found)
	}
	return r, true, nil
}
