// SPDX-License-Identifier: Apache-2.0

// Package foreign makes bundles of models that other libraries trained.
//
//	file ─▶ Read ─▶ Model ─▶ PlainPlan, or a plan with FixCodes ─▶ CheckPlan ─▶ Bundle
//
// Read (foreign.go) takes the formats of LightGBM, XGBoost, scikit-learn and
// CatBoost and turns the model so that its margin is of the bad class. The plan
// must make the features that the model was trained on, in their order and with
// the codes of its categories (codes.go). Bundle gates the model against an
// independent implementation and seals it, like one that was trained here.
//
// TestModelFiles holds every bundle to the answers of the library that wrote
// its file. docs/formats names what each format may hold.
package foreign

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/scoring"
	"github.com/assayrisk/assay/training"
)

// readers reads each format that can be imported.
var readers = map[string]func(io.Reader) (*models.Model, error){
	"lightgbm":       interchange.ReadLightGBM,
	"xgboost":        interchange.ReadXGBoost,       // JSON and UBJSON
	"xgboost-binary": interchange.ReadXGBoostBinary, // of XGBoost 1.x
	"sklearn":        interchange.ReadSklearn,       // pickles of boosting, forests and trees
	"catboost":       interchange.ReadCatBoost,      // JSON
}

// Formats names the formats that Read takes.
func Formats() []string { return slices.Sorted(maps.Keys(readers)) }

// Model is a model that another library trained, as its file describes it.
type Model struct {
	*models.Model
	Format string
	Digest assay.Digest // of the file
	Notes  []string     // what the bundle's manifest says about the import
}

// Read reads a model file and turns the model so that its margin is of the bad
// class. badClass names that class as the file does; "" is the one that is bad
// by its name (1, True, bad or default). What a person should know about the
// model is told to u. A format that is not known, or is not the file's, is a
// training.OptionError.
func Read(u training.Progress, format string, file []byte, badClass string) (*Model, error) {
	parsed, err := parse(format, file)
	if err != nil {
		return nil, err
	}
	if parsed.Objective != models.Binary && parsed.Objective != models.CrossEntropy && !parsed.Share {
		return nil, fmt.Errorf("%w: the model has the objective %s: decisions need a probability, so the objective "+
			"must be binary or cross_entropy", assay.ErrInvalid, parsed.Objective)
	}
	turned, err := parsed.SetBadClass(badClass)
	if err != nil {
		return nil, err
	}
	m := &Model{Model: parsed, Format: format, Digest: assay.Sum("", file)}
	m.Notes = append(classNotes(parsed, turned), iterationNotes(parsed)...)
	m.Notes = append(m.Notes, categoryNotes(parsed)...)
	for _, note := range m.Notes {
		u.Note("%s", note)
	}
	m.Notes = slices.Insert(m.Notes, 0,
		"Imported from "+format+"; the digest under Data is that of the imported file.")
	return m, nil
}

// parse reads a file of a format, and refuses one that is of another format.
func parse(format string, file []byte) (*models.Model, error) {
	read, ok := readers[format]
	if !ok {
		return nil, &training.OptionError{Problem: fmt.Sprintf("--from %s: the formats are %s", format,
			strings.Join(Formats(), ", "))}
	}
	switch is, err := interchange.Recognise(file); {
	case err != nil:
		return nil, err
	case is != "" && is != format:
		return nil, &training.OptionError{
			Problem: fmt.Sprintf("--from %s: the file is of the format %s: give --from %s",
				format, is, is)}
	}
	return read(bytes.NewReader(file))
}

// classNotes say which class the margin is of, where it is not label 1.
func classNotes(m *models.Model, turned bool) []string {
	var out []string
	if len(m.Classes) == 2 {
		out = append(out, fmt.Sprintf("The probability is of the class %q; the other is %q.", m.Classes[1],
			m.Classes[0]))
	}
	if turned {
		out = append(out, "The model was turned round: its file gives the margin of the other class.")
	}
	return out
}

// iterationNotes say that a model has trees behind its best iteration.
func iterationNotes(m *models.Model) []string {
	best, ok := m.Params[interchange.BestIteration]
	if !ok {
		return nil
	}
	return []string{"Early stopping found iteration " + best + " (counted from 0) the best, and the file holds later " +
		"trees: all are used, as by Booster.predict; XGBClassifier.predict stops there. To have that model, save " +
		"booster[:best_iteration+1]."}
}

// Bundle makes a bundle of the model: the plan makes its features, and the
// policy (YAML) decides by its probability. An independent implementation must
// first score the model's own thresholds and their neighbours to the same bits.
func (m *Model) Bundle(u training.Progress, name string, plan *features.Plan, policy []byte) (*models.Bundle, error) {
	if err := scoring.CheckPlan(plan, policy); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, m.Model); err != nil {
		return nil, err
	}
	compiled, err := forest.Compile(m.Model)
	if err != nil {
		return nil, err
	}
	u.Step("gate: an independent implementation scores the model's own thresholds and their neighbours")
	passed, err := interchange.Gate(text.Bytes(), compiled, nil)
	if err != nil {
		return nil, err
	}
	u.Done("the same bits on %d rows", passed.Adversarial)
	b := &models.Bundle{Plan: plan.Frozen(), ModelText: text.Bytes(), Model: m.Model, Calibration: m.ownLink(),
		Scale: models.DefaultScale(), Policy: policy}
	b.Manifest = models.Manifest{
		Name: name, Plan: plan.Digest(), Params: m.Params,
		Model: models.ModelFacts{
			Trainer: m.Format, Objective: string(m.Objective), Trees: len(m.Trees), Features: len(m.Features),
			Init: m.Init, Float32Sums: m.Float32Sums, Average: m.Average,
		},
		Data:  models.DataFacts{Name: "unknown: trained elsewhere", SHA256: m.Digest, Label: "target"},
		Notes: m.Notes,
	}
	return b, nil
}

// ownLink is the calibration that gives the model's own probability.
func (m *Model) ownLink() models.Calibration {
	switch {
	case m.Share: // the margin is the probability
		return models.Calibration{Method: models.CalibrationIsotonic, X: []float64{0, 1}, Y: []float64{0, 1},
			Source: "the model's own shares"}
	case m.Sigmoid == 0 || m.Sigmoid == 1:
		return models.Calibration{Method: models.CalibrationNone}
	}
	return models.Calibration{Method: models.CalibrationPlatt, A: m.Sigmoid, Source: "the model's own link"}
}
