// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/assayrisk/assay/models/gbdt"
)

// measureStream bins rows that are made chunk by chunk, so that the raw table
// never exists, and prints what the whole process needed at its peak.
func measureStream(rows, features, threads int) error {
	p := gbdt.DefaultParams()
	p.NumThreads = threads
	before := peak()
	start := time.Now()
	bins, err := gbdt.BinChunks(context.Background(), rows, chunks(rows, features), p)
	if err != nil {
		return err
	}
	binned := time.Since(start)
	grown := peak() - before
	p.NumIterations, p.NumLeaves = 1, 63
	start = time.Now()
	if _, err := bins.Train(context.Background(), p, gbdt.Options{}); err != nil {
		return err
	}
	cells := float64(rows) * float64(features)
	fmt.Printf("stream %d x %d: two passes %.1f s, peak %.0f MB; with a first tree (%.1f s) %.0f MB; raw values would be %.0f MB\n",
		rows, features, binned.Seconds(), before+grown, time.Since(start).Seconds(), peak(), cells*8/(1<<20))
	fmt.Printf("BYTES_PER_CELL binned %.2f\n", grown*(1<<20)/cells)
	fmt.Printf("BYTES_PER_CELL training %.2f\n", (peak()-before)*(1<<20)/cells)
	return nil
}

// chunks makes the same table each time it is ranged over: every value is a
// hash of its place.
func chunks(rows, features int) iter.Seq2[*gbdt.Dataset, error] {
	const size = 65536
	return func(yield func(*gbdt.Dataset, error) bool) {
		d := &gbdt.Dataset{Columns: make([][]float64, features)}
		for j := range d.Columns {
			d.Columns[j] = make([]float64, size)
		}
		d.Label = make([]float64, size)
		for at := 0; at < rows; at += size {
			n := min(size, rows-at)
			part := &gbdt.Dataset{Columns: make([][]float64, features), Label: d.Label[:n]}
			for i := range n {
				d.Label[i] = 0
			}
			for j, c := range d.Columns {
				part.Columns[j] = c[:n]
				for i := range n {
					h := uint64(at+i)*0x9E3779B97F4A7C15 + uint64(j)*0xBF58476D1CE4E5B9
					h = (h ^ h>>31) * 0x94D049BB133111EB
					h ^= h >> 30
					c[i] = float64(h>>11) * math.Ldexp(1, -53)
					if j == 0 && c[i] > 0.8 {
						d.Label[i] = 1
					}
				}
			}
			if !yield(part, nil) {
				return
			}
		}
	}
}
