// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

// columnMeans is the mean of each feature over the rows that have it.
func columnMeans(p *features.Plan, m *features.Matrix) map[string]float64 {
	means := map[string]float64{}
	for i, f := range p.Features() {
		var sum, n float64
		for _, x := range m.Columns[i] {
			if !math.IsNaN(x) {
				sum, n = sum+x, n+1
			}
		}
		means[f.Name] = sum / n
	}
	return means
}

// compareMeans compares our means with those of the peer's features that we have,
// too. They differ a little: windows of the peer are exact at the tail, ours move
// in hops.
func compareMeans(ours, theirs map[string]float64) error {
	for name, want := range theirs {
		got, ok := ours[name]
		if !ok {
			continue
		}
		if math.Abs(got-want) > 0.04*math.Abs(want)+0.02 {
			return fmt.Errorf("the mean of %s is %.4f here and %.4f in the peer: the two plans are not the same",
				name, got, want)
		}
	}
	return nil
}

// writeParquet writes a table for the peer.
func writeParquet(path string, rec arrow.Record) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(datasets.WriteParquet(f, rec), f.Close())
}
