// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// foldSets are the public credit sets on which quality is compared. The last is in
// order of time: its first 70 % train, the rest tests.
var foldSets = []string{"credit_data", "lending_club", "german", "taiwan", "hmeq", "polish_1year",
	"airline100k", "ibm_ar_hist"}

// foldParams are the parameters of both trainers.
func foldParams() map[string]string {
	return caseParams("learning_rate", "0.05", "num_leaves", "15", "lambda_l2", "1")
}

// compareFolds prints the mean AUC over five folds of each set, ours and
// LightGBM's. Row i tests in the fold that counts the earlier rows of its
// label, modulo 5.
func compareFolds(ctx context.Context, only, dir, shared string, c *comparison) error {
	fmt.Println("| set | Assay | LightGBM | difference |\n|---|---|---|---|")
	var sum float64
	n := 0
	for _, name := range foldSets {
		if only != "" && !slices.Contains(strings.Split(only, ","), name) {
			continue
		}
		m := tableMeta{Params: foldParams()}
		rows, err := textRows(filepath.Join(shared, name+".csv"), &m)
		if err != nil {
			fmt.Printf("SKIP %s: %v\n", name, err)
			continue
		}
		k := 5
		if name == "ibm_ar_hist" {
			k = 1
		}
		seen := map[float64]int{}
		fold := make([]int, len(rows))
		for i, r := range rows {
			y := r[len(r)-1]
			fold[i] = seen[y] % 5
			seen[y]++
			if k == 1 {
				fold[i] = 1 - min(1, i*10/(len(rows)*7)) // 0 tests
			}
		}
		var ours, theirs float64
		for f := range k {
			at := filepath.Join(dir, "folds", name, strconv.Itoa(f))
			var train, test [][]float64
			for i, r := range rows {
				if fold[i] == f {
					test = append(test, r)
				} else {
					train = append(train, r)
				}
			}
			m.Rows, m.TestRows = len(train), len(test)
			all := append(train, test...)
			if err := writeTable(at, m, func(i int, row []float64) { copy(row, all[i]) }); err != nil {
				return err
			}
			r := request{Rounds: 200, Threads: c.threads}
			o, err := trainOnce(ctx, "assay", at, c.python, c.peers, r)
			if err != nil {
				return err
			}
			p, err := trainOnce(ctx, "col", at, c.python, c.peers, r)
			if err != nil {
				return err
			}
			ours += o.AUC / float64(k)
			theirs += p.AUC / float64(k)
		}
		fmt.Printf("| %s | %.4f | %.4f | %+.4f |\n", name, ours, theirs, ours-theirs)
		sum += ours - theirs
		n++
	}
	fmt.Printf("\nAUCDIFF folds_mean %+.5f\n", sum/float64(max(n, 1)))
	return nil
}
