// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
)

// streamSample is how many rows, at most twice that, are kept in memory: plan
// and bins are fitted on them, but for every heldOut-th, which calibrates.
const (
	streamSample = 100_000
	heldOut      = 10
)

// pieces is a table that is read one piece after the other, as often as
// needed. Its rows are counted from 0 without those that were left out.
type pieces struct {
	path string
	opt  datasets.Options
	u    *ui
	spec *features.Spec // whose rules rows must keep; nil: not known yet
	name string

	label   string
	rows    int
	bad     float64
	sample  []arrow.Record  // rows whose number is a multiple of step
	gaps    map[string]bool // columns of which some row has no value
	step    int
	skipped int
	columns []datasets.ColumnNote // said once
}

// each calls do for every piece; first is the number of its first row.
func (p *pieces) each(ctx context.Context, do func(t *table, first int) error) error {
	s, err := datasets.Stream(ctx, p.path, p.opt)
	if err != nil {
		return err
	}
	defer s.Close()
	if p.columns == nil {
		noteColumns(p.u, s.Columns())
		p.columns = append([]datasets.ColumnNote{}, s.Columns()...)
	}
	rows, read, dropped := 0, 0, 0
	for s.Next() {
		t := &table{name: p.name, frame: &datasets.Frame{Record: s.Record(), Label: s.Label()}, skip: p.opt.SkipBadRows}
		read += t.rows()
		quiet := &ui{out: io.Discard, err: io.Discard}
		if err := t.findLabel(quiet, p.path); err != nil {
			return fmt.Errorf("in the piece that ends with row %d: %w", read, err)
		}
		if t.label == nil {
			return t.needLabel()
		}
		if p.spec != nil {
			if err := t.obey(quiet, p.spec); err != nil {
				return fmt.Errorf("in the piece that ends with row %d: %w", read, err)
			}
		}
		dropped += t.skipped
		if err := do(t, rows); err != nil {
			return err
		}
		rows += t.rows()
	}
	_, n := s.Skipped()
	p.skipped = n + dropped
	return s.Err()
}

// survey counts the rows and takes the sample.
func (p *pieces) survey(ctx context.Context) error {
	type kept struct {
		rec  arrow.Record
		rows []int
	}
	var parts []kept
	p.rows, p.bad, p.step = 0, 0, 1
	size := 0
	thin := func(t *table, rows []int) (kept, error) {
		var at, numbers []int
		for i, n := range rows {
			if n%p.step == 0 {
				at, numbers = append(at, i), append(numbers, n)
			}
		}
		rec, err := gather(t.frame.Record, at)
		return kept{rec, numbers}, err
	}
	err := p.each(ctx, func(t *table, first int) error {
		p.label = t.frame.Label
		rows := make([]int, t.rows())
		for i := range rows {
			rows[i] = first + i
			p.bad += t.label[i]
		}
		p.rows += len(rows)
		if p.spec == nil {
			p.noteGaps(t.frame.Record)
		}
		k, err := thin(t, rows)
		if err != nil {
			return err
		}
		parts = append(parts, k)
		for size += len(k.rows); size > 2*streamSample; {
			p.step *= 2
			size = 0
			for i := range parts {
				if parts[i], err = thin(&table{frame: &datasets.Frame{Record: parts[i].rec}}, parts[i].rows); err != nil {
					return err
				}
				size += len(parts[i].rows)
			}
		}
		p.u.progress("%d rows", p.rows)
		return nil
	})
	p.sample = nil
	for _, k := range parts {
		p.sample = append(p.sample, k.rec)
	}
	if err == nil && p.rows == 0 {
		err = fmt.Errorf("%w: %s has no rows", assay.ErrInvalid, p.path)
	}
	return err
}

// noteGaps notes the columns of a piece that have rows without a value.
func (p *pieces) noteGaps(rec arrow.Record) {
	if p.gaps == nil {
		p.gaps = map[string]bool{}
	}
	for _, name := range features.Gaps(rec) {
		p.gaps[name] = true
	}
}

// table joins the sample, and splits it: most rows for the plan, the others
// held out.
func (p *pieces) table(hold bool) (t *table, train, held []int, err error) {
	rec, err := join(p.sample)
	if err != nil {
		return nil, nil, nil, err
	}
	p.sample = nil
	t = &table{name: p.name, frame: &datasets.Frame{Record: rec, Label: p.label, Columns: p.columns}, obeyed: p.spec != nil}
	for i := range t.rows() {
		if hold && i%heldOut == 0 {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	return t, train, held, t.findLabel(p.u, p.path)
}

// isHeld reports whether a row of the table is held out.
func (p *pieces) isHeld(row int) bool { return row%(p.step*heldOut) == 0 }

// chunks gives the trainer the vectors of every row that is not held out.
func (p *pieces) chunks(ctx context.Context, plan *features.Plan, hold bool) iter.Seq2[*gbdt.Dataset, error] {
	return func(yield func(*gbdt.Dataset, error) bool) {
		done := false
		err := p.each(ctx, func(t *table, first int) error {
			m, err := plan.Matrix(ctx, t.frame.Record)
			if err != nil {
				return fmt.Errorf("%s: %w", p.path, err)
			}
			part := part{table: t}
			for i := range t.rows() {
				if !hold || !p.isHeld(first+i) {
					part.rows = append(part.rows, i)
				}
			}
			p.u.progress("%d of %d rows", first+t.rows(), p.rows)
			if len(part.rows) > 0 && !yield(part.dataset(plan, m), nil) {
				done = true
				return io.EOF
			}
			return nil
		})
		if err != nil && !done {
			yield(nil, err)
		}
	}
}

// garbage is how much of what is in use may lie about before it is collected,
// in per cent, while rows stream by: pieces are short-lived, and what stays (the
// bins) holds no pointers, so that a collection is cheap.
const garbage = 10

// bin bins the rows that are not held out, rows of them, with the bins of the
// sample. The sample's vectors are gone when it returns.
func (p *pieces) bin(ctx context.Context, plan *features.Plan, sample part, rows int, params gbdt.Params) (*gbdt.Bins, error) {
	m, err := plan.Matrix(ctx, sample.frame.Record)
	if err != nil {
		return nil, err
	}
	return gbdt.BinSample(ctx, sample.dataset(plan, m), rows, p.chunks(ctx, plan, rows < p.rows), params)
}

// runStream trains on a table that need not fit in memory. It is read twice:
// to count its rows and draw the sample that plan and bins are fitted on, and
// to bin them.
func (f *trainFlags) runStream(ctx context.Context, u *ui, params map[string]string) error {
	if f.cv > 0 || f.tune > 0 || f.before != "" {
		return usagef("--stream trains on all rows in one go: leave out --cv, --tune and --before")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	spec, err := readSpec(ctx, f.plan)
	if err != nil {
		return err
	}
	f.readAs(spec)
	p := &pieces{path: f.data, opt: f.options(), u: u, spec: spec, name: strings.TrimSuffix(filepath.Base(f.data), filepath.Ext(f.data))}
	r := &recipe{name: f.name, params: params, calibrate: f.calibrate, spec: spec}
	if r.name == "" {
		r.name = bundleName(f.out, p.name)
	}
	if r.policy, err = chosenPolicy(f.policy); err != nil {
		return err
	}
	u.step("read %s", f.data)
	if err := p.survey(ctx); err != nil {
		return err
	}
	if p.skipped > 0 {
		u.note("%d rows of %s were left out: they cannot be read or break a rule of the plan", p.skipped, f.data)
	}
	hold := f.calibrate != models.CalibrationNone
	t, train, held, err := p.table(hold)
	if err != nil {
		return err
	}
	u.done("%d rows; %d of them sampled for the plan", p.rows, len(train))
	if r.spec == nil {
		if r.spec, err = inferSpec(u, t); err != nil {
			return err
		}
		for i := range r.spec.Fields { // the sample need not show every gap
			r.spec.Fields[i].Required = r.spec.Fields[i].Required && !p.gaps[r.spec.Fields[i].Name]
		}
	}
	if len(r.spec.Windows) > 0 || r.spec.Kind != "" || r.targetEncoded() || r.spec.Clean != nil {
		return fmt.Errorf("%w: the plan has windows, a kind column, target encodings or cleaning, which need all rows at once: train without --stream", assay.ErrInvalid)
	}
	if t.frame.Digest, err = fileDigest(f.data); err != nil {
		return err
	}
	b, err := r.buildStream(ctx, u, p, part{t, train}, part{t, held})
	if err != nil {
		return err
	}
	if f.plan != "" {
		r.spec = nil // it is in a file already
	}
	return f.finish(ctx, u, b, r.spec)
}

// buildStream fits the plan on the sample, bins and trains on all rows that
// are not held out, and calibrates on those that are.
func (r *recipe) buildStream(ctx context.Context, u *ui, p *pieces, train, held part) (*models.Bundle, error) {
	plan, report, err := r.fitPlan(ctx, train)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(sayUnseen(u, plan, train.table), sayLookups(u, r.spec, report)); err != nil {
		return nil, err
	}
	params, err := r.parse(plan)
	if err != nil {
		return nil, err
	}
	rows := p.rows - len(held.rows)
	u.step("bin %d rows of %d features", rows, len(plan.Features()))
	bins, err := p.bin(ctx, plan, train, rows, params)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // the last pieces
	u.step("train on %d rows", rows)
	res, err := bins.Train(ctx, params, gbdt.Options{Progress: func(p gbdt.Progress) { u.progress("%s", describe(p)) }})
	if err != nil {
		return nil, err
	}
	bins = nil // the rows that follow are the sample's
	f := &fitted{plan: plan, rows: train.rows, report: report, result: res}
	if f.forest, err = forest.Compile(res.Model); err != nil {
		return nil, err
	}
	if f.matrix, err = plan.Matrix(ctx, train.frame.Record); err != nil {
		return nil, err
	}
	u.done("%d trees on %d features", len(res.Model.Trees), len(plan.Features()))
	cal, metrics := &models.Calibration{Method: models.CalibrationNone}, map[string]float64{}
	if len(held.rows) > 0 {
		u.step("calibrate on %d rows held out", len(held.rows))
		y, m := held.labels(), matrixMargins(f.matrix, f.forest, held.rows)
		if cal, err = r.fitCalibration(u, m, y, nil); err != nil {
			return nil, err
		}
		cal.Source = fmt.Sprintf("margins of %d rows held out of training", len(y))
		c, err := eval.NewCurve(y, m)
		if err != nil {
			return nil, err
		}
		metrics["heldout.auc"] = c.AUC()
		u.done("%s; AUC %.4f", cal.Method, c.AUC())
	}
	r.notes = append(slices.Clone(r.notes), fmt.Sprintf("The rows were read in pieces: plan and bins were fitted on an even sample of %d of %d.", len(train.rows), p.rows))
	b, err := r.seal(u, train, len(held.rows), f, cal, metrics)
	if err != nil {
		return nil, err
	}
	b.Manifest.Data.Rows, b.Manifest.Data.BadRate = rows, p.bad/float64(p.rows)
	return b, nil
}

// fileDigest is the SHA-256 of a file's bytes.
func fileDigest(path string) (assay.Digest, error) {
	f, err := os.Open(path)
	if err != nil {
		return assay.Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return assay.Digest(h.Sum(nil)), err
}
