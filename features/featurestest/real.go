// SPDX-License-Identifier: Apache-2.0

package featurestest

import (
	_ "embed"
	"encoding/csv"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
)

// The real logs are parts of two published data sets; testdata/make.py made the
// files, and NOTICE names their licences.
var (
	//go:embed testdata/flights.csv
	flights string
	//go:embed testdata/purchases.csv
	purchases string
)

const flightPlan = `
version: 1
name: flights
time: time
id: id
kind: kind
lateness: 3h
entities: [carrier, tail, origin, dest]
fields:
  - {name: distance, on: [application, departed, landed]}
  - {name: delay, on: [departed, landed], min: -30, max: 240, outside: clip}
  - {name: air_time, on: [landed]}
derived:
  - {name: speed, kernel: ratio, of: [distance, air_time]}
windows:
  - {name: carrier, key: [carrier], on: [departed], value: delay, member: dest, length: 6h, hop: 15m}
  - {name: today, key: [carrier], on: [landed], value: delay, member: origin, calendar: day, length: "1", zone: America/New_York}
  - {name: origin, key: [origin], on: [departed], value: delay, member: carrier, members: 6, samples: 64, length: 4h}
  - {name: late, key: [origin], on: [departed], where: {field: delay, above: 15}, member: carrier, length: all}
  - {name: route, key: [origin, dest], on: [landed], value: speed, length: 1d}
  - {name: tail, key: [tail], on: [landed], value: delay, member: dest, length: all}
  - {name: earlier, key: [origin], on: [landed], value: delay, member: dest, length: 2h, hop: 10m, offset: 2h}
`

const purchasePlan = `
version: 1
name: purchases
time: time
id: id
kind: kind
lateness: 1d
entities: [customer]
fields:
  - {name: amount, on: [application, purchase]}
  - {name: quantity, on: [application, purchase]}
  - {name: size, kind: text, on: [application, purchase]}
derived:
  - {name: price, kernel: ratio, of: [amount, quantity]}
windows:
  - {name: life, key: [customer], on: [purchase], value: amount, member: size, length: all}
  - {name: quarter, key: [customer], on: [purchase], value: price, member: size, length: 90d}
  - {name: month, key: [customer], on: [purchase], value: amount, member: size, calendar: month, length: "1", zone: America/New_York}
  - {name: last_year, key: [customer], on: [purchase], value: amount, member: size, calendar: quarter, length: "1", offset: "2"}
  - {name: many, key: [size], on: [purchase], value: amount, member: customer, members: 20, samples: 50, length: 30d, hop: 5d}
  - {name: large, key: [customer], on: [purchase], where: [{field: price, at_least: 14.99}, {field: size, not: [one]}], length: 365d}
`

// world returns a plan with every feature that can read its windows.
func world(t testing.TB, name, plan string) *World {
	t.Helper()
	plan += "features: [{name: placeholder, kernel: missing, of: event.time}]\n"
	s, err := features.ParseSpec([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	s.Features = nil
	r := rand.New(rand.NewPCG(5, 6))
	for i := range s.Windows {
		s.Features = append(s.Features, Readings(r, &s.Windows[i])...)
	}
	return &World{Name: name, Spec: s}
}

func rows(t testing.TB, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
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

// number adds a field to an event if the cell has a value.
func number(e *assay.Event, name, cell string) {
	if x, err := strconv.ParseFloat(cell, 64); err == nil {
		e.Fields = append(e.Fields, assay.Field{Name: name, Value: assay.NumberValue(x)})
	}
}

// Flights is a day of departures from New York. Each is scored at its scheduled
// time, and recorded when it leaves and lands. The log is sorted by blocks of two hours;
// inside a block it keeps the order of the data, so that some events are late.
func Flights(t testing.TB) *World {
	t.Helper()
	w := world(t, "flights", flightPlan)
	zone := time.FixedZone("EST", -5*3600)
	for i, r := range rows(t, flights) {
		day, err := time.ParseInLocation("2006-01-02", r["date"], zone)
		if err != nil {
			t.Fatal(err)
		}
		clock, _ := strconv.Atoi(r["scheduled"])
		at := day.Add(time.Duration(clock/100)*time.Hour + time.Duration(clock%100)*time.Minute).UTC()
		event := func(kind string, at time.Time) *assay.Event {
			w.Events = append(w.Events, assay.Event{ID: kind + strconv.Itoa(i), Kind: kind, Time: at})
			e := &w.Events[len(w.Events)-1]
			roles := [][2]string{{"carrier", "carrier"}, {"tail", "tailnum"}, {"origin", "origin"}, {"dest", "dest"}}
			for _, role := range roles {
				if id := r[role[1]]; id != "" {
					e.Entities = append(e.Entities, assay.Entity{Role: role[0], ID: id})
				}
			}
			number(e, "distance", r["distance"])
			return e
		}
		event("application", at)
		late, err := strconv.Atoi(r["dep_delay"])
		if err != nil {
			continue // cancelled
		}
		number(event("departed", at.Add(time.Duration(late)*time.Minute)), "delay", r["dep_delay"])
		if air, err := strconv.Atoi(r["air_time"]); err == nil {
			e := event("landed", at.Add(time.Duration(late+air)*time.Minute))
			number(e, "delay", r["arr_delay"])
			number(e, "air_time", r["air_time"])
		}
	}
	slices.SortStableFunc(w.Events, func(a, b assay.Event) int {
		return a.Time.Truncate(2 * time.Hour).Compare(b.Time.Truncate(2 * time.Hour))
	})
	return w
}

// Purchases are those of a music shop's customers over 18 months. All purchases
// of a day have the same time, and each is scored before it counts.
func Purchases(t testing.TB) *World {
	t.Helper()
	w := world(t, "purchases", purchasePlan)
	for i, r := range rows(t, purchases) {
		at, err := time.Parse("2006-01-02", r["date"])
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"application", "purchase"} {
			e := assay.Event{ID: kind + strconv.Itoa(i), Kind: kind, Time: at}
			e.Entities = []assay.Entity{{Role: "customer", ID: r["customer"]}}
			number(&e, "amount", r["amount"])
			number(&e, "quantity", r["quantity"])
			size := "some"
			if n := r["quantity"]; n == "1" {
				size = "one"
			} else if len(n) > 1 || n > "5" {
				size = "many"
			}
			e.Fields = append(e.Fields, assay.Field{Name: "size", Value: assay.TextValue(size)})
			w.Events = append(w.Events, e)
		}
	}
	return w
}
