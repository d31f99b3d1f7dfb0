// SPDX-License-Identifier: Apache-2.0

package training

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
	"github.com/assayrisk/assay/features/infer"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
)

// streamSample is how many rows, at most twice that, are kept in memory: plan
// and bins are fitted on them, but for every heldOut-th, which calibrates.
const (
	streamSample = 100_000
	holdOutEvery = 10
)

// pieceReader is a table that is read one piece after the other, as often as
// needed. Its rows are counted from 0 without those that were left out.
type pieceReader struct {
	path string
	opt  datasets.Options
	u    Progress
	spec *plantext.Spec // whose rules rows must keep; nil: not known yet
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

// eachPiece calls do for every piece; first is the number of its first row.
func (p *pieceReader) eachPiece(ctx context.Context, do func(t *Table, first int) error) error {
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
		t := &Table{Name: p.name, Frame: &datasets.Frame{Record: s.Record(), Label: s.Label()},
			skipBadRows: p.opt.SkipBadRows}
		read += t.NumRows()
		quiet := Quiet{}
		if err := t.findLabel(quiet, p.path); err != nil {
			return fmt.Errorf("in the piece that ends with row %d: %w", read, err)
		}
		if t.Label == nil {
			return t.NeedLabel()
		}
		if p.spec != nil {
			if err := t.ApplyRules(quiet, p.spec); err != nil {
				return fmt.Errorf("in the piece that ends with row %d: %w", read, err)
			}
		}
		dropped += t.Skipped
		if err := do(t, rows); err != nil {
			return err
		}
		rows += t.NumRows()
	}
	_, n := s.Skipped()
	p.skipped = n + dropped
	return s.Err()
}

// survey counts the rows and takes the sample.
func (p *pieceReader) survey(ctx context.Context) error {
	type kept struct {
		rec  arrow.Record
		rows []int
	}
	var parts []kept
	p.rows, p.bad, p.step = 0, 0, 1
	size := 0
	thin := func(t *Table, rows []int) (kept, error) {
		var at, numbers []int
		for i, n := range rows {
			if n%p.step == 0 {
				at, numbers = append(at, i), append(numbers, n)
			}
		}
		rec, err := copyRows(t.Frame.Record, at)
		return kept{rec, numbers}, err
	}
	err := p.eachPiece(ctx, func(t *Table, first int) error {
		p.label = t.Frame.Label
		rows := make([]int, t.NumRows())
		for i := range rows {
			rows[i] = first + i
			p.bad += t.Label[i]
		}
		p.rows += len(rows)
		if p.spec == nil {
			p.noteGaps(t.Frame.Record)
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
				if parts[i], err = thin(&Table{Frame: &datasets.Frame{Record: parts[i].rec}},
					parts[i].rows); err != nil {
					return err
				}
				size += len(parts[i].rows)
			}
		}
		p.u.Progress("%d rows", p.rows)
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
func (p *pieceReader) noteGaps(rec arrow.Record) {
	if p.gaps == nil {
		p.gaps = map[string]bool{}
	}
	for _, name := range infer.Gaps(rec) {
		p.gaps[name] = true
	}
}

// Table joins the sample, and splits it: most rows for the plan, the others
// held out.
func (p *pieceReader) sampleTable(hold bool) (t *Table, train, held []int, err error) {
	rec, err := concatRecords(p.sample)
	if err != nil {
		return nil, nil, nil, err
	}
	p.sample = nil
	t = &Table{Name: p.name, Frame: &datasets.Frame{Record: rec, Label: p.label, Columns: p.columns},
		rulesApplied: p.spec != nil}
	for i := range t.NumRows() {
		if hold && i%holdOutEvery == 0 {
			held = append(held, i)
		} else {
			train = append(train, i)
		}
	}
	return t, train, held, t.findLabel(p.u, p.path)
}

// isHeldOut reports whether a row of the table is held out.
func (p *pieceReader) isHeldOut(row int) bool { return row%(p.step*holdOutEvery) == 0 }

// chunks gives the trainer the vectors of every row that is not held out.
func (p *pieceReader) chunks(ctx context.Context, plan *features.Plan, hold bool) iter.Seq2[*gbdt.Dataset, error] {
	return func(yield func(*gbdt.Dataset, error) bool) {
		done := false
		err := p.eachPiece(ctx, func(t *Table, first int) error {
			m, err := plan.Matrix(ctx, t.Frame.Record)
			if err != nil {
				return fmt.Errorf("%s: %w", p.path, err)
			}
			part := Subset{Table: t}
			for i := range t.NumRows() {
				if !hold || !p.isHeldOut(first+i) {
					part.Rows = append(part.Rows, i)
				}
			}
			p.u.Progress("%d of %d rows", first+t.NumRows(), p.rows)
			if len(part.Rows) > 0 && !yield(part.dataset(plan, m), nil) {
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

// streamGCPercent is how much of what is in use may lie about before it is collected,
// in per cent, while rows stream by: pieces are short-lived, and what stays (the
// bins) holds no pointers, so that a collection is cheap.
const streamGCPercent = 10

// binRows bins the rows that are not held out, rows of them, with the bins of the
// sample. The sample's vectors are gone when it returns.
func (p *pieceReader) binRows(ctx context.Context, plan *features.Plan, sample Subset, rows int,
	params gbdt.Params) (*gbdt.Bins,
	error) {
	m, err := plan.Matrix(ctx, sample.Frame.Record)
	if err != nil {
		return nil, err
	}
	return gbdt.BinSample(ctx, sample.dataset(plan, m), rows, p.chunks(ctx, plan, rows < p.rows), params)
}

// buildStream fits the plan on the sample, bins and trains on all rows that
// are not held out, and calibrates on those that are.
func (r *Recipe) buildStream(ctx context.Context, u Progress, p *pieceReader, train,
	held Subset) (*models.Bundle, error) {
	plan, report, err := r.fitPlan(ctx, train)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(NoteUnseen(u, plan, train.Table), NoteLookups(u, r.Spec, report)); err != nil {
		return nil, err
	}
	params, err := r.trainerParams(plan)
	if err != nil {
		return nil, err
	}
	rows := p.rows - len(held.Rows)
	u.Step("bin %d rows of %d features", rows, len(plan.Features()))
	bins, err := p.binRows(ctx, plan, train, rows, params)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // the last pieces
	u.Step("train on %d rows", rows)
	res, err := bins.Train(ctx, params, gbdt.Options{Progress: func(p gbdt.Progress) {
		u.Progress("%s", progressLine(p))
	}})
	if err != nil {
		return nil, err
	}
	bins = nil // the rows that follow are the sample's
	f := &Fitted{Plan: plan, Rows: train.Rows, Report: report, Result: res}
	if f.Forest, err = forest.Compile(res.Model); err != nil {
		return nil, err
	}
	if f.Matrix, err = plan.Matrix(ctx, train.Frame.Record); err != nil {
		return nil, err
	}
	u.Done("%d trees on %d features", len(res.Model.Trees), len(plan.Features()))
	cal, metrics := &models.Calibration{Method: models.CalibrationNone}, map[string]float64{}
	if len(held.Rows) > 0 {
		u.Step("calibrate on %d rows held out", len(held.Rows))
		y, m := held.Labels(), matrixMargins(f.Matrix, f.Forest, held.Rows)
		if cal, err = r.fitCalibration(u, m, y, nil); err != nil {
			return nil, err
		}
		cal.Source = fmt.Sprintf("margins of %d rows held out of training", len(y))
		c, err := eval.NewCurve(y, m)
		if err != nil {
			return nil, err
		}
		metrics["heldout.auc"] = c.AUC()
		u.Done("%s; AUC %.4f", cal.Method, c.AUC())
	}
	r.Notes = append(slices.Clone(r.Notes),
		fmt.Sprintf("The rows were read in pieces: plan and bins were fitted on an even sample of %d of %d.",
			len(train.Rows), p.rows))
	b, err := r.seal(u, train, len(held.Rows), f, cal, metrics)
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

// TrainStream trains on a file that need not fit in memory and makes a bundle.
// Without a spec the recipe gets the one that is inferred from a sample.
func (r *Recipe) TrainStream(ctx context.Context, u Progress, path string, opt datasets.Options) (*models.Bundle,
	error) {
	defer debug.SetGCPercent(debug.SetGCPercent(streamGCPercent))
	p := &pieceReader{path: path, opt: opt, u: u, spec: r.Spec,
		name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	u.Step("read %s", path)
	if err := p.survey(ctx); err != nil {
		return nil, err
	}
	if p.skipped > 0 {
		u.Note("%d rows of %s were left out: they cannot be read or break a rule of the plan", p.skipped, path)
	}
	t, train, held, err := p.sampleTable(r.Calibrate != models.CalibrationNone)
	if err != nil {
		return nil, err
	}
	u.Done("%d rows; %d of them sampled for the plan", p.rows, len(train))
	if r.Spec == nil {
		if r.Spec, err = InferSpec(u, t); err != nil {
			return nil, err
		}
		for i := range r.Spec.Fields { // the sample need not show every gap
			r.Spec.Fields[i].Required = r.Spec.Fields[i].Required && !p.gaps[r.Spec.Fields[i].Name]
		}
	}
	if len(r.Spec.Windows) > 0 || r.Spec.Kind != "" || r.targetEncoded() || r.Spec.Clean != nil {
		return nil, fmt.Errorf("%w: the plan has windows, a kind column, target encodings or cleaning, which need "+
			"all rows at once: train without --stream", assay.ErrInvalid)
	}
	if t.Frame.Digest, err = fileDigest(path); err != nil {
		return nil, err
	}
	return r.buildStream(ctx, u, p, Subset{t, train}, Subset{t, held})
}
