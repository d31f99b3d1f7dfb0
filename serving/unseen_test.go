// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// lockWatch is a log that looks whether the counts are locked while it writes.
type lockWatch struct {
	slog.Handler
	of     *unseenWatch
	lines  int
	locked bool
}

func (l *lockWatch) Enabled(context.Context, slog.Level) bool { return true }

func (l *lockWatch) Handle(context.Context, slog.Record) error {
	l.lines++
	if !l.of.mu.TryLock() {
		l.locked = true
		return nil
	}
	l.of.mu.Unlock()
	return nil
}

// TestUnseenLogsUnlocked: the line about values that are new to a model is
// written while no lock of the scoring path is held, and once in ten minutes.
func TestUnseenLogsUnlocked(t *testing.T) {
	plan, err := features.LoadPlan(bundle(t, planYAML, "first", 0).Plan)
	if err != nil {
		t.Fatal(err)
	}
	u := newUnseenWatch(plan)
	if len(u.of) == 0 {
		t.Fatal("the plan reads no text")
	}
	ev := application("new", 10, 600)
	ev.Fields[1].Value = assay.TextValue("a sector that training had not")
	row, err := plan.Read(nil, ev)
	if err != nil {
		t.Fatal(err)
	}
	log, now := &lockWatch{of: u}, start2026
	for range 2 * unseenLeast {
		u.count(row, "first", func() time.Time { return now }, slog.New(log))
	}
	if log.lines != 1 || log.locked {
		t.Errorf("%d lines, under the lock: %t; want one, and no lock held", log.lines, log.locked)
	}
	now = now.Add(unseenPause)
	u.count(row, "first", func() time.Time { return now }, slog.New(log))
	if log.lines != 2 {
		t.Errorf("%d lines after the pause, want one more", log.lines)
	}
}

// TestUnseenInference: categories that come through the Open Inference Protocol
// are counted as an event's are: new texts, codes of no value, and whole rows.
func TestUnseenInference(t *testing.T) {
	const rows = unseenLeast
	fill := func(x float64) []float64 { return slices.Repeat([]float64{x}, rows) }
	amounts := &tensor{Name: "amount", Datatype: "FP64", Shape: []int64{rows}, Contents: &v2.InferTensorContents{Fp64Contents: fill(10)}}
	incomes := &tensor{Name: "income", Datatype: "FP64", Shape: []int64{rows}, Contents: &v2.InferTensorContents{Fp64Contents: fill(600)}}
	sector := func(text string) *tensor {
		return &tensor{Name: "sector", Datatype: "BYTES", Shape: []int64{rows},
			Contents: &v2.InferTensorContents{BytesContents: slices.Repeat([][]byte{[]byte(text)}, rows)}}
	}
	codes := func(x float64) *tensor {
		return &tensor{Name: "sector", Datatype: "FP64", Shape: []int64{rows}, Contents: &v2.InferTensorContents{Fp64Contents: fill(x)}}
	}
	whole := func(code float64) *tensor {
		return &tensor{Name: "features", Datatype: "FP64", Shape: []int64{rows, 3},
			Contents: &v2.InferTensorContents{Fp64Contents: slices.Repeat([]float64{10, 600, code}, rows)}}
	}
	for name, c := range map[string]struct {
		inputs []*tensor
		share  string // "": not counted
	}{
		"a known text":         {[]*tensor{amounts, incomes, sector("steel")}, "0"},
		"a new text":           {[]*tensor{amounts, incomes, sector("STEEL")}, "1"},
		"no text":              {[]*tensor{amounts, incomes, sector("")}, ""},
		"a code":               {[]*tensor{amounts, incomes, codes(0)}, "0"},
		"the code of no value": {[]*tensor{amounts, incomes, codes(99)}, "1"},
		"half a code":          {[]*tensor{amounts, incomes, codes(0.5)}, "1"},
		"whole rows":           {[]*tensor{whole(0)}, "0"},
		"rows of no value":     {[]*tensor{whole(-1)}, "1"},
		"rows of nothing":      {[]*tensor{whole(math.NaN())}, ""},
	} {
		var log lockedBuffer
		n := start(t, t.TempDir(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if _, err := v2.NewGRPCInferenceServiceClient(n.client.Conn()).ModelInfer(t.Context(), &v2.ModelInferRequest{Inputs: c.inputs}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n.stop()
		_, share, _ := strings.Cut(n.shown(), `assay_unseen_share{field="sector"} `)
		if share, _, _ = strings.Cut(share, "\n"); share != c.share {
			t.Errorf("%s: a share of %q, want %q", name, share, c.share)
		}
		if said := strings.Count(log.String(), "nearly all values of a field are new"); said != strings.Count(c.share, "1") {
			t.Errorf("%s: %d lines: %s", name, said, log.String())
		}
	}
}
