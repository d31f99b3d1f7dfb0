// SPDX-License-Identifier: Apache-2.0

package training_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

// job reads files as its plan sees them, and trains on them, as another program
// would. It keeps what it is told.
type job struct {
	t    *testing.T
	said bytes.Buffer
	spec *plantext.Spec // nil: inferred
	opt  datasets.Options
	sort training.EventOrder
}

func (j *job) Step(format string, args ...any) { fmt.Fprintf(&j.said, "- "+format+"\n", args...) }
func (j *job) Progress(string, ...any)         {}
func (j *job) Done(format string, args ...any) { fmt.Fprintf(&j.said, "  "+format+"\n", args...) }
func (j *job) Note(format string, args ...any) { fmt.Fprintf(&j.said, "! "+format+"\n", args...) }

// newJob reads a plan and its lookups; "" is none.
func newJob(t *testing.T, plan string) (*job, error) {
	t.Helper()
	j := &job{t: t}
	if plan == "" {
		return j, nil
	}
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	if j.spec, err = features.ParseSpec(text); err != nil {
		t.Fatal(err)
	}
	j.opt = training.ReadingFor(j.spec)
	return j, training.ReadLookups(t.Context(), j.spec, plan)
}

func (j *job) read(file string) (*training.Table, error) {
	table, err := training.ReadRows(j.t.Context(), j, file, j.opt, j.spec != nil && j.spec.Kind != "")
	if err == nil {
		table.Order = j.sort
	}
	return table, err
}

// rows reads a file's rows with a known outcome.
func (j *job) rows(file string) (training.Subset, error) {
	table, err := j.read(file)
	if err != nil {
		return training.Subset{}, err
	}
	if j.spec == nil {
		if j.spec, err = training.InferSpec(j, table); err != nil {
			return training.Subset{}, err
		}
	}
	return table.KnownOutcomes(j, j.spec, time.Time{}, time.Time{})
}

// recipe is a tiny model, not calibrated.
func (j *job) recipe(params string) *training.Recipe {
	p, err := training.ParseParams(params)
	if err != nil {
		j.t.Fatal(err)
	}
	return &training.Recipe{Name: "test", Spec: j.spec, Params: p, Calibrate: models.CalibrationNone, Folds: 2}
}

// train trains a tiny model on a file.
func (j *job) train(file string) (*models.Bundle, error) {
	rows, err := j.rows(file)
	if err != nil {
		return nil, err
	}
	b, _, err := j.recipe("num_iterations=5,num_leaves=3").Build(j.t.Context(), j, rows, training.Subset{})
	return b, err
}

// vectors makes the vectors of a file by a bundle's plan.
func (j *job) vectors(b *models.Bundle, file string) (*features.Matrix, error) {
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		return nil, err
	}
	table, err := j.read(file)
	if err != nil {
		return nil, err
	}
	if err := training.Accept(j, plan, table); err != nil {
		return nil, err
	}
	return table.Matrix(j.t.Context(), plan)
}

// trained trains on rows of the shop's log under a label.
func trained(t *testing.T, label string, rows [][]string, header ...string) (*job, *models.Bundle, error) {
	t.Helper()
	if len(header) == 0 {
		header = trainingtest.ShopHeader()
	}
	plan, log, err := trainingtest.WriteShop(t.TempDir(), label, rows, header)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJob(t, plan)
	if err != nil {
		t.Fatal(err)
	}
	b, err := j.train(log)
	return j, b, err
}

// shopLog writes a log of the shop by itself.
func shopLog(t *testing.T, rows [][]string) string {
	t.Helper()
	_, log, err := trainingtest.WriteShop(t.TempDir(), trainingtest.LabelByEvent, rows, trainingtest.ShopHeader())
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// writeFile writes a file of its own.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refused reports whether an error has a text.
func refused(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }
