// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/assayrisk/assay/training"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

// planFor returns the plan of an imported model and checks that it makes the
// features that the model was trained on, in their order and with its codes.
func (f *importFlags) planFor(ctx context.Context, u *ui, m *models.Model) (*features.Plan, error) {
	if f.plan == "" {
		return training.OwnPlan(ctx, m)
	}
	plan, err := f.readPlan(ctx, u, m)
	if err != nil {
		return nil, err
	}
	has := plan.Features()
	if len(has) != len(m.Features) {
		return nil, fmt.Errorf("%w: the plan makes %d features, the model was trained on %d", assay.ErrInvalid,
			len(has), len(m.Features))
	}
	for i, x := range m.Features {
		if has[i].Name != x.Name && !strings.HasPrefix(x.Name, "Column_") {
			return nil, fmt.Errorf("%w: feature %d is %q in the plan and %q in the model", assay.ErrInvalid, i+1,
				has[i].Name, x.Name)
		}
		if err := training.CheckCodes(plan.Spec(), has[i], &x); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// readPlan reads a frozen plan, or fits one that is YAML, with the dictionaries
// of the model.
func (f *importFlags) readPlan(ctx context.Context, u *ui, m *models.Model) (*features.Plan, error) {
	raw, err := os.ReadFile(f.plan)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(f.plan), ".json") {
		return features.LoadPlan(raw)
	}
	spec, err := features.ParseSpec(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.plan, err)
	}
	if err := training.ReadLookups(ctx, spec, f.plan); err != nil {
		return nil, err
	}
	if f.data == "" {
		return nil, usagef("--plan %s is to be fitted: give the rows with --data, or a frozen plan.json", f.plan)
	}
	if err := training.FixCodes(spec, m); err != nil {
		return nil, err
	}
	f.readAs(spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := t.Obey(u, spec); err != nil {
		return nil, err
	}
	plan, report, err := spec.Fit(ctx, t.Frame.Record, nil)
	if err != nil {
		return nil, err
	}
	if err := training.NeedColumns(plan, t); err != nil {
		return nil, err
	}
	return plan, training.NoteLookups(u, spec, report)
}

// classNote says of which class the margin is, where it is not label 1.
func classNote(u *ui, m *models.Model, turned bool) []string {
	var out []string
	if len(m.Classes) == 2 {
		out = append(out, fmt.Sprintf("The probability is of the class %q; the other is %q.", m.Classes[1],
			m.Classes[0]))
	}
	if turned {
		out = append(out, "The model was turned round: its file gives the margin of the other class.")
	}
	for _, note := range out {
		u.Note("%s", note)
	}
	return out
}
