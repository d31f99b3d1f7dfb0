// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/numfmt"
)

// ReadLookups reads the tables of a plan, whose files are named relative to it.
func ReadLookups(ctx context.Context, spec *plantext.Spec, plan string) error {
	for i := range spec.Lookups {
		l := &spec.Lookups[i]
		if l.File == "" {
			continue
		}
		path := l.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(plan), path)
		}
		path, err := filepath.Abs(path) // never the name of a data set
		if err != nil {
			return err
		}
		o := datasets.Options{Unlabelled: true, Number: []string{l.Value}}
		if l.Key != "" {
			o.Text = []string{l.Key}
		}
		if l.From != "" {
			o.Time = []string{l.From}
		}
		frame, err := datasets.Read(ctx, path, o)
		if err != nil {
			return fmt.Errorf("%s: lookup %q: %w", plan, l.Name, err)
		}
		err = features.ReadLookupRows(l, frame.Record)
		frame.Record.Release()
		if err != nil {
			return fmt.Errorf("%s: lookup %q: %s: %w", plan, l.Name, filepath.Base(path), err)
		}
	}
	return nil
}

// NoteLookups says for how many of the training rows each lookup has a value. One
// that has none for any of them is an error: most often its keys are spelled
// otherwise, or its dates lie later.
func NoteLookups(u Progress, spec *plantext.Spec, report *features.FitReport) error {
	if len(report.Features) == 0 {
		return nil // the plan is another bundle's and was not fitted here
	}
	for i := range spec.Features {
		f := &spec.Features[i]
		if f.Table == "" {
			continue
		}
		none := report.Features[i].Missing
		if none == report.Rows {
			return fmt.Errorf("%w: feature %q finds no value in lookup %q for any of %d training rows: "+
				"do both spell the keys alike, and do its dates begin before the rows?",
				assay.ErrInvalid, f.Name, f.Table, report.Rows)
		}
		u.Note("feature %s finds a value in lookup %s for %s of %d training rows", f.Name, f.Table,
			numfmt.Share(1-float64(none)/float64(report.Rows)), report.Rows)
	}
	return nil
}
