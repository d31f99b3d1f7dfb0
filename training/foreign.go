// SPDX-License-Identifier: Apache-2.0

package training

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

// FixCodes gives each category of a plan that is to be fitted the dictionary of
// the model's feature. One that would be learned has other codes, which depend
// on what is frequent in the rows at hand: without a dictionary it is refused.
func FixCodes(spec *features.Spec, m *models.Model) error {
	at := 0
	for i := range spec.Features {
		x := &spec.Features[i]
		if x.Hidden {
			continue
		}
		if at == len(m.Features) {
			return nil // more features than the model has: the caller compares their numbers
		}
		of := &m.Features[at]
		at++
		if !isCategory(spec, x) {
			continue
		}
		d := of.Dictionary
		switch {
		case d == nil && len(x.Categories) > 0:
			continue // a person says what the codes stand for
		case d == nil:
			return fmt.Errorf("%w: the plan's feature %q is a category that is learned, and the model fixed the "+
				"codes without saying what they stand for: "+
				"list it in the plan, categories: [the values of the codes 0, 1, ...]", assay.ErrInvalid, x.Name)
		case len(x.Categories) == 0:
			x.Categories, x.MinCount, x.MaxCategories = d.Values, 0, 0
		}
		x.Unknown = cmp.Or(x.Unknown, unknownOf(d))
		if d.Closed {
			closeField(spec, x, d)
		}
	}
	return nil
}

// isCategory says whether a feature is a category: by its kernel, or because it
// is the text of its name.
func isCategory(spec *features.Spec, x *features.FeatureSpec) bool {
	if x.Kernel != "" {
		return x.Kernel == "category"
	}
	return slices.ContainsFunc(spec.Fields, func(f features.FieldSpec) bool {
		return f.Name == fieldOf(x) &&
			f.Kind == "text"
	})
}

func fieldOf(x *features.FeatureSpec) string {
	if len(x.Of) == 1 {
		return x.Of[0]
	}
	return x.Name
}

// closeField has the field of a closed dictionary refuse other values, as the
// model's library does.
func closeField(spec *features.Spec, x *features.FeatureSpec, d *models.Dictionary) {
	for i := range spec.Fields {
		if f := &spec.Fields[i]; f.Name == fieldOf(x) && len(f.Values) == 0 {
			f.Values = d.Values
		}
	}
}

// unknownOf is what the plan makes of a value outside the dictionary.
func unknownOf(d *models.Dictionary) string {
	if d.Closed {
		return "" // the field refuses it
	}
	return "missing"
}

// CheckCodes reports a feature of the plan whose codes are not the model's.
func CheckCodes(spec *features.Spec, has features.FeatureInfo, x *models.FeatureInfo) error {
	if x.Dictionary == nil {
		return nil
	}
	at := slices.IndexFunc(spec.Features, func(f features.FeatureSpec) bool { return f.Name == has.Name })
	if !has.Categorical || spec.Features[at].Kernel == "cross" {
		return fmt.Errorf("%w: the model's feature %q has the categories that its file lists (%s), and the plan "+
			"makes it by %s: make it a category, "+
			"kernel: category over a field of kind "+
			"%s", assay.ErrInvalid, x.Name, someOf(x.Dictionary.Values), cmp.Or(spec.Features[at].Kernel,
			"passthrough"), x.Dictionary.Kind)
	}
	if !slices.Equal(has.Categories[:len(has.Categories)-1], x.Dictionary.Values) {
		return fmt.Errorf("%w: the plan's categories of %q are not those of the model's file, in its order (%s): "+
			"leave them out of the plan to have the file's",
			assay.ErrInvalid, x.Name, someOf(x.Dictionary.Values))
	}
	return sameUnknown(spec, &spec.Features[at], x.Dictionary)
}

// sameUnknown reports a plan that makes of a value outside the dictionary what
// the model's library does not.
func sameUnknown(spec *features.Spec, f *features.FeatureSpec, d *models.Dictionary) error {
	if !d.Closed && f.Unknown != "missing" {
		return fmt.Errorf("%w: the plan makes a value outside the categories of %q %q, and it is missing to the "+
			"model's library: write unknown: missing",
			assay.ErrInvalid, f.Name, features.OtherCategory)
	}
	at := slices.IndexFunc(spec.Fields, func(x features.FieldSpec) bool { return x.Name == fieldOf(f) })
	if d.Closed && (at < 0 || len(spec.Fields[at].Values) == 0) {
		return fmt.Errorf("%w: the plan takes a value outside the categories of %q, and the model's library "+
			"refuses it: list them under values of the field %q",
			assay.ErrInvalid, f.Name, fieldOf(f))
	}
	return nil
}

// OwnPlan has one field for each of the model's features: a number, or what its
// dictionary says.
func OwnPlan(ctx context.Context, m *models.Model) (*features.Plan, error) {
	spec := &features.Spec{Version: 1, Name: "imported"}
	var fields []arrow.Field
	var cols []arrow.Array
	for _, x := range m.Features {
		field, feature := features.FieldSpec{Name: x.Name, Kind: "number"}, features.FeatureSpec{Name: x.Name,
			Kernel: "passthrough"}
		if d := x.Dictionary; d != nil {
			field.Kind = string(d.Kind)
			feature.Kernel, feature.Categories, feature.Unknown = "category", d.Values, unknownOf(d)
			if d.Closed {
				field.Values = d.Values
			}
		}
		spec.Fields, spec.Features = append(spec.Fields, field), append(spec.Features, feature)
		b := array.NewBuilder(memory.DefaultAllocator, columnType(field.Kind))
		b.AppendNull() // nothing is learned from it
		fields = append(fields, arrow.Field{Name: x.Name, Type: b.Type(), Nullable: true})
		cols = append(cols, b.NewArray())
	}
	rec := array.NewRecord(arrow.NewSchema(fields, nil), cols, 1)
	defer rec.Release()
	plan, _, err := spec.Fit(ctx, rec, nil)
	return plan, err
}

func columnType(kind string) arrow.DataType {
	switch kind {
	case "text":
		return arrow.BinaryTypes.String
	case "flag":
		return arrow.FixedWidthTypes.Boolean
	}
	return arrow.PrimitiveTypes.Float64
}

// CategoryNotes say what was taken from the file for its categories, and what
// it does not say.
func CategoryNotes(m *models.Model) []string {
	var taken, codes []string
	for _, x := range m.Features {
		switch {
		case x.Dictionary != nil:
			taken = append(taken, fmt.Sprintf("%s (%s)", x.Name, someOf(x.Dictionary.Values)))
		case x.Categorical:
			codes = append(codes, x.Name)
		}
	}
	var out []string
	if len(taken) > 0 {
		out = append(out, "Categories as the model's file lists them: "+someOf(taken)+".")
	}
	if len(codes) > 0 {
		out = append(out, "The model splits "+someOf(codes)+" by category, and its file does not say what the "+
			"codes stand for: "+
			"rows must hold the codes that it was trained on, or a plan must list the values in the order of their "+
			"codes.")
	}
	return out
}

// someOf names the first few of a list.
func someOf(list []string) string {
	const most = 8
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
