// SPDX-License-Identifier: Apache-2.0

package training

import (
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

// ReadingFor is how a file is read whose rows a plan makes vectors of. In a CSV
// file, codes that look like numbers stay the texts that they are, unless another
// model that scores the same rows takes them for numbers. Of an event log, the
// label is the plan's column.
func ReadingFor(spec *plantext.Spec, others ...*Scorer) datasets.Options {
	o := ColumnsOf(spec)
	if spec.Kind != "" && spec.Label != nil {
		o.Label = spec.Label.Column
	}
	for _, s := range others {
		o = mergeColumns(o, ColumnsOf(s.Plan.Spec()))
		o.Text = slices.DeleteFunc(o.Text, func(name string) bool {
			return slices.ContainsFunc(s.Plan.Fields(), func(x features.FieldInfo) bool {
				return x.Name == name && (x.Kind == assay.Number || x.Kind == assay.Flag)
			})
		})
	}
	return o
}

// mergeColumns adds what a second plan says of columns that the first does not
// know.
func mergeColumns(a, b datasets.Options) datasets.Options {
	known := slices.Concat(a.Text, a.Time, a.Number)
	isKnown := func(name string) bool { return slices.Contains(known, name) }
	a.Text = append(a.Text, slices.DeleteFunc(b.Text, isKnown)...)
	a.Time = append(a.Time, slices.DeleteFunc(b.Time, isKnown)...)
	a.Number = append(a.Number, slices.DeleteFunc(b.Number, isKnown)...)
	for name, sample := range b.Written {
		if !isKnown(name) {
			a.Written[name] = sample
		}
	}
	for name, marks := range b.MissingIn {
		if !isKnown(name) {
			a.MissingIn[name] = marks
		}
	}
	return a
}

// ColumnsOf is what a plan says of a table's columns.
func ColumnsOf(spec *plantext.Spec) datasets.Options {
	o := datasets.Options{Text: slices.Clone(spec.Entities), Written: map[string]string{},
		MissingIn: map[string][]string{}}
	for _, name := range []string{spec.ID, spec.Kind} {
		if name != "" {
			o.Text = append(o.Text, name)
		}
	}
	if spec.Time != "" {
		o.Time = append(o.Time, spec.Time)
	}
	for i := range spec.Fields {
		x := &spec.Fields[i]
		switch x.Kind {
		case "text":
			o.Text = append(o.Text, x.Name)
		case "time":
			o.Time = append(o.Time, x.Name)
		default:
			o.Number = append(o.Number, x.Name)
		}
		if x.Written != "" {
			o.Written[x.Name] = x.Written
		}
		if marks := x.MissingMarks(); marks != nil {
			o.MissingIn[x.Name] = marks
		}
	}
	return o
}
