// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
)

// validate checks lengths and values; its errors match ErrInput and name the
// part and the row, never a value.
func (in *Input) validate() error {
	n := len(in.Label)
	if n == 0 {
		return fmt.Errorf("%w: there are no rows", eval.ErrInput)
	}
	if len(in.PD) != n {
		return fmt.Errorf("%w: %d labels and %d probabilities", eval.ErrInput, n, len(in.PD))
	}
	type part struct {
		name string
		n    int
	}
	parts := []part{{"Margin", len(in.Margin)}, {"RawPD", len(in.RawPD)}, {"Points", len(in.Points)},
		{"Time", len(in.Time)},
		{"Names", len(in.Names)}, {"Outcome", len(in.Outcome)}, {"Served", len(in.Served)}}
	for _, c := range in.Challenger {
		parts = append(parts, part{"Challenger " + c.Name + ": PD", len(c.PD)})
		if len(c.Score) != n {
			return fmt.Errorf("%w: challenger %s has %d scores for %d rows", eval.ErrInput, c.Name, len(c.Score), n)
		}
	}
	if in.Economics != nil {
		parts = append(parts, part{"Economics.Amount", len(in.Economics.Amount)})
	}
	for _, p := range parts {
		if p.n != 0 && p.n != n {
			return fmt.Errorf("%w: %s has %d values for %d rows", eval.ErrInput, p.name, p.n, n)
		}
	}
	for _, f := range in.Features {
		if len(f.Values) != n {
			return fmt.Errorf("%w: feature %s has %d values for %d rows", eval.ErrInput, f.Name, len(f.Values), n)
		}
	}
	if len(in.Usage) != 0 && len(in.Usage) != len(in.Features) {
		return fmt.Errorf("%w: Usage has %d values for %d features", eval.ErrInput, len(in.Usage), len(in.Features))
	}
	for _, f := range in.Fields {
		if len(f.Values) != n {
			return fmt.Errorf("%w: field %s has %d values for %d rows", eval.ErrInput, f.Name, len(f.Values), n)
		}
	}
	categories := append(append([]Category(nil), in.Segments...), in.Groups...)
	if in.Grades != nil {
		categories = append(categories, *in.Grades)
	}
	for _, c := range categories {
		if len(c.Code) != n {
			return fmt.Errorf("%w: field %s has %d codes for %d rows", eval.ErrInput, c.Name, len(c.Code), n)
		}
		for i, k := range c.Code {
			if k < -1 || int(k) >= len(c.Levels) {
				return fmt.Errorf("%w: field %s: the code of row %d is outside its %d levels", eval.ErrInput,
					c.Name, i, len(c.Levels))
			}
		}
	}
	return in.validateValues()
}

func (in *Input) validateValues() error {
	if err := checkLabels("", in.Label); err != nil {
		return err
	}
	if err := eval.CheckWeights("", in.Weight, len(in.Label)); err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		pd   []float64
	}{{"PD", in.PD}, {"RawPD", in.RawPD}} {
		if err := checkPD(p.name, p.pd); err != nil {
			return err
		}
	}
	for i, o := range in.Outcome {
		if o > assay.Decline {
			return fmt.Errorf("%w: the outcome of row %d is none of approve, review and decline", eval.ErrInput, i)
		}
	}
	if err := checkScore("Margin", in.Margin); err != nil {
		return err
	}
	all := in.Challenger
	if in.Champion != nil {
		all = append(append([]Challenger(nil), all...), *in.Champion)
		if len(in.Champion.Score) != len(in.Label) || in.Champion.PD != nil && len(in.Champion.PD) != len(in.Label) {
			return fmt.Errorf("%w: the champion has %d scores for %d rows", eval.ErrInput,
				len(in.Champion.Score), len(in.Label))
		}
	}
	for _, c := range all {
		if err := checkScore("challenger "+c.Name, c.Score); err != nil {
			return err
		}
		if err := checkPD("challenger "+c.Name, c.PD); err != nil {
			return err
		}
	}
	if in.Train != nil {
		if err := in.Train.check(); err != nil {
			return err
		}
	}
	if in.Declined != nil {
		if err := checkPD("declined PD", in.Declined.PD); err != nil {
			return err
		}
		if err := eval.CheckWeights("declined ", in.Declined.Weight, len(in.Declined.PD)); err != nil {
			return err
		}
	}
	for k := range in.Backtest {
		if err := in.Backtest[k].check(k); err != nil {
			return err
		}
	}
	if err := in.Before.check("before", len(in.Label)); err != nil {
		return err
	}
	return in.After.check("after", len(in.Label))
}

// check reports training rows whose slices have different lengths or whose values
// are out of range.
func (t *Train) check() error {
	if len(t.PD) != len(t.Label) || t.Margin != nil && len(t.Margin) != len(t.Label) {
		return fmt.Errorf("%w: the training rows have %d labels, %d probabilities and %d margins", eval.ErrInput,
			len(t.Label), len(t.PD), len(t.Margin))
	}
	if (t.OutOfFold != nil || t.OutOfFoldPD != nil) &&
		(len(t.OutOfFold) != len(t.Label) || len(t.OutOfFoldPD) != len(t.Label)) {
		return fmt.Errorf("%w: the training rows have %d labels, %d out-of-fold margins and %d out-of-fold "+
			"probabilities: give both or none", eval.ErrInput, len(t.Label), len(t.OutOfFold), len(t.OutOfFoldPD))
	}
	if t.Known != nil && len(t.Known) != len(t.Label) {
		return fmt.Errorf("%w: the training rows have %d labels and %d times at which outcomes were known",
			eval.ErrInput,
			len(t.Label), len(t.Known))
	}
	if err := checkLabels("training ", t.Label); err != nil {
		return err
	}
	if err := eval.CheckWeights("training ", t.Weight, len(t.Label)); err != nil {
		return err
	}
	if err := checkPD("training PD", t.PD); err != nil {
		return err
	}
	if err := checkPD("out-of-fold PD", t.OutOfFoldPD); err != nil {
		return err
	}
	for _, m := range [...]struct {
		name  string
		value []float64
	}{{"training margin", t.Margin}, {"out-of-fold margin", t.OutOfFold}} {
		if err := checkScore(m.name, m.value); err != nil {
			return err
		}
	}
	return nil
}

func checkLabels(what string, y []float64) error {
	for i, v := range y {
		if v != 0 && v != 1 {
			return fmt.Errorf("%w: the label of %srow %d is neither 0 nor 1", eval.ErrInput, what, i)
		}
	}
	return nil
}

func checkPD(what string, pd []float64) error {
	for i, v := range pd {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%w: the %s of row %d is not in 0..1", eval.ErrInput, what, i)
		}
	}
	return nil
}

func checkScore(what string, s []float64) error {
	for i, v := range s {
		if math.IsNaN(v) {
			return fmt.Errorf("%w: the %s of row %d is NaN", eval.ErrInput, what, i)
		}
	}
	return nil
}
