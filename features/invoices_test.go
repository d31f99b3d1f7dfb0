// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// table reads a CSV file as rows of named cells.
func table(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, rec := range all[1:] {
		row := map[string]string{}
		for i, h := range all[0] {
			row[h] = rec[i]
		}
		out = append(out, row)
	}
	return out
}

func num(t *testing.T, s string) float64 {
	t.Helper()
	if s == "" {
		return math.NaN()
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func date(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse("1/2/2006", s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// invoiceLog turns the invoices into events, in the order of their times.
func invoiceLog(t *testing.T, path string) []assay.Event {
	t.Helper()
	var log []assay.Event
	for _, r := range table(t, path) {
		add := func(kind string, at time.Time, fields ...assay.Field) {
			log = append(log, assay.Event{
				ID: kind + "-" + r["invoiceNumber"], Kind: kind, Time: at,
				Entities: []assay.Entity{{Role: "customer", ID: r["customerID"]}}, Fields: fields,
			})
		}
		n := func(name, column string) assay.Field {
			return assay.Field{Name: name, Value: assay.NumberValue(num(t, r[column]))}
		}
		s := func(name, column string) assay.Field {
			return assay.Field{Name: name, Value: assay.TextValue(r[column])}
		}
		issued, settled := date(t, r["InvoiceDate"]), date(t, r["SettledDate"])
		add("scoring", issued.Add(8*time.Hour), n("amount", "InvoiceAmount"), s("disputed", "Disputed"),
			s("bill", "PaperlessBill"))
		add("issued", issued.Add(18*time.Hour), n("amount", "InvoiceAmount"))
		add("payment", settled.Add(19*time.Hour), n("amount", "InvoiceAmount"), s("disputed", "Disputed"),
			n("days_late", "DaysLate"), n("days_to_settle", "DaysToSettle"))
	}
	slices.SortStableFunc(log, func(a, b assay.Event) int { return a.Time.Compare(b.Time) })
	return log
}

// TestInvoices replays invoices online and offline, compares every vector, and
// compares the history with columns that testdata/make_invoices.py computed from
// the whole table for each of 420 invented invoices, and, where the files are
// available, with those of 2,466 real ones.
func TestInvoices(t *testing.T) {
	t.Parallel()
	t.Run("invented", func(t *testing.T) {
		compareInvoices(t, "testdata/invoices_sample.csv", "testdata/invoices_sample_history.csv")
	})
	t.Run("real", func(t *testing.T) {
		const dir = "../../shared/data/"
		if _, err := os.Stat(dir + "ibm_ar_invoices.csv"); err != nil {
			t.Skip("../shared is absent: the real invoices are not compared")
		}
		compareInvoices(t, dir+"ibm_ar_invoices.csv", dir+"ibm_ar_hist.csv")
	})
}

func compareInvoices(t *testing.T, invoices, history string) {
	log := invoiceLog(t, invoices)
	b, err := os.ReadFile("testdata/invoices.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := features.ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := features.EventTable(s, func(yield func(*assay.Event) bool) {
		for i := range log {
			if !yield(&log[i]) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := features.Fit(context.Background(), s, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	byInvoice, st := map[string][]float64{}, p.NewState()
	for i := range log {
		if log[i].Kind == p.Event() {
			v, err := p.Vector(nil, &log[i], st)
			if err != nil {
				t.Fatal(err)
			}
			offline := assay.Vector{Plan: m.Plan}
			for _, c := range m.Columns {
				offline.Values = append(offline.Values, c[len(byInvoice)])
			}
			if v.Digest() != offline.Digest() {
				t.Fatalf("event %d: online %v, offline %v", i, v.Values, offline.Values)
			}
			e := &log[i]
			amount, _ := e.Field("amount")
			byInvoice[e.Time.Format("1/2/2006")+e.Entity("customer")+strconv.FormatFloat(amount.Number(),
				'f', -1, 64)] = v.Values
		}
		if err := p.Observe(&log[i], st); err != nil {
			t.Fatal(err)
		}
	}
	compared := 0
	for _, r := range table(t, history) {
		v := byInvoice[r["invoice_date"]+r["customer"]+strconv.FormatFloat(num(t, r["amount"]), 'f', -1, 64)]
		if v == nil {
			t.Fatalf("no vector for the invoice of %s", r["invoice_date"])
		}
		for i, f := range p.Features() {
			cell, ok := r[f.Name]
			if !ok || f.Categorical || f.Name == "inv_dow" {
				continue
			}
			if want := num(t, cell); !(math.Abs(v[i]-want) <= 1e-4*(1+math.Abs(want)) || v[i] != v[i] && want != want) {
				t.Fatalf("%s of the invoice of %s: %v, want %v", f.Name, r["invoice_date"], v[i], want)
			}
			compared++
		}
	}
	t.Logf("%d vectors equal, %d history cells equal", len(byInvoice), compared)
}
