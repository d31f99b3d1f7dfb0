// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

// What a training run computes from a log in addition to one replay: a plan for
// each fold, and the outcomes of a busy key. It prints
//
//	RATIO features_folds            seconds for a plan per fold from one replay, over those for one plan
//	RATIO features_folds_replayed   the same if each fold replays the log, as Spec.Fit does alone
//	NS features_labels              finding the outcomes of a log of one key, per event
//	RATIO features_labels_growth    the same over that for a quarter of the events: 1 if it is linear

const (
	trainingFolds = 5
	labelPlan     = `
version: 1
time: time
kind: kind
entities: [buyer]
label: {event: late, match: [buyer], horizon: 30d}
fields: [{name: amount}]
features: [{name: amount}]
`
)

// measureTraining measures both.
func measureTraining(events, runs int) error {
	if err := timeFolds(events, runs); err != nil {
		return err
	}
	return timeLabels(events, runs)
}

// timeFolds fits the scf plan on the training rows of each fold of a
// cross-validation.
func timeFolds(events, runs int) error {
	plan, log, err := supplyChain(events)
	if err != nil {
		return err
	}
	spec, ctx := plan.Spec(), context.Background()
	scored, _, _, err := features.ReadLabels(spec, log)
	if err != nil {
		return err
	}
	parts := make([][]int, trainingFolds)
	for k := range parts {
		for i, row := range scored {
			if i%trainingFolds != k {
				parts[k] = append(parts[k], row)
			}
		}
	}
	shared := func(parts [][]int) error {
		played, err := features.Replay(ctx, spec, log)
		if err != nil {
			return err
		}
		for _, rows := range parts {
			p, _, err := played.Fit(ctx, rows)
			if err != nil {
				return err
			}
			if _, err := played.Matrix(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}
	again := func() error {
		for _, rows := range parts {
			if err := shared([][]int{rows}); err != nil {
				return err
			}
		}
		return nil
	}
	var one, once, each []float64
	for range runs {
		for _, m := range []struct {
			to  *[]float64
			run func() error
		}{
			{&one, func() error { return shared(parts[:1]) }},
			{&once, func() error { return shared(parts) }},
			{&each, again},
		} {
			s, err := seconds(m.run)
			if err != nil {
				return err
			}
			*m.to = append(*m.to, s)
		}
	}
	fmt.Printf("# %d events: %.2f s for one plan, %.2f s for %d from one replay, %.2f s with a replay each\n",
		events, figure.Median(one), figure.Median(once), trainingFolds, figure.Median(each))
	fmt.Println(figure.Over("features_folds", once, one))
	fmt.Println(figure.Over("features_folds_replayed", each, one))
	return nil
}

// timeLabels finds the outcomes of a log whose events all have one key.
func timeLabels(events, runs int) error {
	spec, err := features.ParseSpec([]byte(labelPlan))
	if err != nil {
		return err
	}
	var whole, quarter []float64
	for range runs {
		for n, to := range map[int]*[]float64{events: &whole, events / 4: &quarter} {
			log, err := oneBuyerLog(spec, n)
			if err != nil {
				return err
			}
			s, err := seconds(func() error { _, _, _, err := features.ReadLabels(spec, log); return err })
			if err != nil {
				return err
			}
			*to = append(*to, s/float64(n))
		}
	}
	fmt.Printf("# outcomes of one key of %d events: %.3f s\n", events, figure.Median(whole)*float64(events))
	fmt.Printf("NS features_labels %.0f\n", figure.Median(whole)*1e9)
	fmt.Println(figure.Over("features_labels_growth", whole, quarter))
	return nil
}

// oneBuyerLog is a year of one buyer: applications, and every third event a late
// payment, which gives earlier applications their outcome.
func oneBuyerLog(s *plantext.Spec, events int) (arrow.Record, error) {
	rng := rand.New(rand.NewPCG(7, 7))
	start := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	step := 365 * 24 * time.Hour / time.Duration(events)
	return features.EventTable(s, func(yield func(*assay.Event) bool) {
		for i := range events {
			at := start.Add(time.Duration(i) * step).Truncate(time.Microsecond)
			e := assay.Event{ID: "e" + strconv.Itoa(i), Kind: "application", Time: at}
			e.Entities = []assay.Entity{{Role: "buyer", ID: "B"}}
			e.Fields = []assay.Field{{Name: "amount", Value: assay.NumberValue(rng.Float64())}}
			if i%3 == 2 {
				e.Kind, e.Fields = "late", nil
			}
			if !yield(&e) {
				return
			}
		}
	})
}

func seconds(run func() error) (float64, error) {
	start := time.Now()
	err := run()
	return time.Since(start).Seconds(), err
}
