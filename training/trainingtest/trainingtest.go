// SPDX-License-Identifier: Apache-2.0

// Package trainingtest has tables for tests of training and of the command line:
// made-up loans, and the event log of a small shop. The same call gives the same
// rows.
package trainingtest

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Loans is a CSV table of n made-up loans; label "target".
func Loans(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("amount,income,sector,target\n")
	for range n {
		amount, income, bad := rng.IntN(10_000), 1+rng.IntN(5000), 0
		if rng.Float64() < 0.1+0.5*float64(amount)/float64(amount+3*income) {
			bad = 1
		}
		fmt.Fprintf(&b, "%d,%d,%s,%d\n", amount, income, []string{"steel", "food", ""}[rng.IntN(3)], bad)
	}
	return b.Bytes()
}

const shopPlan = `
version: 1
time: time
id: id
kind: kind
entities: [buyer, loan]
label: {LABEL}
fields:
  - {name: amount, on: [application, payment]}
windows:
  - {name: paid, key: [buyer], on: [payment], value: amount, length: 60d}
  - {name: asked, key: [buyer], on: [application], length: all}
features:
  - {name: amount}
  - {name: paid, kernel: window_sum, window: paid}
  - {name: asked, kernel: count, window: asked}
`

// Labels of the shop's log.
const (
	LabelByEvent  = "event: default, match: [loan], horizon: 30d"
	LabelByColumn = "column: bad"
)

// ShopHeader names the columns of the shop's log.
func ShopHeader() []string { return []string{"id", "time", "kind", "buyer", "loan", "amount", "bad"} }

// ShopRows are 1,200 events of 225 days, in order: 300 applications, payments
// and defaults.
func ShopRows() [][]string {
	rng := rand.New(rand.NewPCG(18, 18))
	at := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	var rows [][]string
	for i := range 1200 {
		at = at.Add(time.Duration(rng.IntN(10)) * time.Hour)
		kind := []string{"application", "payment", "payment", "default"}[i%4]
		loan, bad := fmt.Sprint("L", i/4), ""
		if kind == "application" {
			bad = strconv.Itoa(rng.IntN(2))
		}
		if kind == "default" && rng.IntN(2) == 0 {
			kind = "payment"
		}
		rows = append(rows, []string{fmt.Sprint("e", i), at.Format(time.RFC3339), kind, fmt.Sprint("b", rng.IntN(20)),
			loan, strconv.Itoa(rng.IntN(1000)), bad})
	}
	return rows
}

// WriteShop writes the shop's plan with a label, and a log, to dir.
func WriteShop(dir, label string, rows [][]string, header []string) (plan, log string, err error) {
	plan, log = filepath.Join(dir, "plan.yaml"), filepath.Join(dir, "log.csv")
	var b bytes.Buffer
	err = errors.Join(csv.NewWriter(&b).WriteAll(append([][]string{header}, rows...)),
		os.WriteFile(plan, []byte(strings.Replace(shopPlan, "LABEL", label, 1)), 0o600),
		os.WriteFile(log, b.Bytes(), 0o600))
	return plan, log, err
}

// Altered is a copy of rows, each of which change may alter.
func Altered(rows [][]string, change func(i int, r []string)) [][]string {
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = slices.Clone(r)
		change(i, out[i])
	}
	return out
}
