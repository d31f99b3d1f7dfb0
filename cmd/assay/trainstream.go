// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/assayrisk/assay/training"
)

// runStream trains on a table that need not fit in memory. It is read twice:
// to count its rows and draw the sample that plan and bins are fitted on, and
// to bin them.
func (f *trainFlags) runStream(ctx context.Context, u *ui, params map[string]string) error {
	if f.cv > 0 || f.tune > 0 || f.before != "" {
		return usagef("--stream trains on all rows in one go: leave out --cv, --tune and --before")
	}
	spec, err := readSpec(ctx, f.plan)
	if err != nil {
		return err
	}
	f.readAs(spec)
	r := &training.Recipe{Name: f.name, Params: params, Calibrate: f.calibrate, Spec: spec}
	if r.Name == "" {
		r.Name = bundleName(f.out, strings.TrimSuffix(filepath.Base(f.data), filepath.Ext(f.data)))
	}
	if r.Policy, err = chosenPolicy(f.policy); err != nil {
		return err
	}
	b, err := r.TrainStream(ctx, u, f.data, f.options())
	if err != nil {
		return err
	}
	if f.plan != "" {
		r.Spec = nil // it is in a file already
	}
	return f.finish(ctx, u, b, r.Spec)
}
