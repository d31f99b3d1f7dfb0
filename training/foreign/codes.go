// SPDX-License-Identifier: Apache-2.0

package foreign

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
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/models"
)

// FixCodes gives each category of a plan that is to be fitted the dictionary of
// the model's feature. A dictionary that the plan would learn has other codes,
// which depend on what is frequent in the rows at hand; where the model has
// none to give, such a category is refused.
func (m *Model) FixCodes(spec *plantext.Spec) error {
	at := 0
	for i := range spec.Features {
		x := &spec.Features[i]
		if x.Hidden {
			continue
		}
		if at == len(m.Features) {
			return nil // more features than the model has: CheckPlan compares their numbers
		}
		of := &m.Features[at]
		at++
		if !isCategory(spec, x) {
			continue
		}
		d := of.Dictionary
		switch {
		case d == nil && len(x.Categories) > 0:
			continue // a person says what the codes mean
		case d == nil:
			return fmt.Errorf("%w: the plan's feature %q is a category that is learned, and the model fixed the "+
				"codes without saying what they mean: list it in the plan, categories: [the values of the codes 0, "+
				"1, ...]", assay.ErrInvalid, x.Name)
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
func isCategory(spec *plantext.Spec, x *plantext.FeatureSpec) bool {
	if x.Kernel != "" {
		return x.Kernel == "category"
	}
	return slices.ContainsFunc(spec.Fields, func(f plantext.FieldSpec) bool {
		return f.Name == fieldOf(x) && f.Kind == "text"
	})
}

func fieldOf(x *plantext.FeatureSpec) string {
	if len(x.Of) == 1 {
		return x.Of[0]
	}
	return x.Name
}

// closeField has the field of a closed dictionary refuse other values, as the
// model's library does.
func closeField(spec *plantext.Spec, x *plantext.FeatureSpec, d *models.Dictionary) {
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

// CheckPlan reports a plan that does not make the features that the model was
// trained on, in their order and with its codes.
func (m *Model) CheckPlan(plan *features.Plan) error {
	made := plan.Features()
	if len(made) != len(m.Features) {
		return fmt.Errorf("%w: the plan makes %d features, the model was trained on %d", assay.ErrInvalid,
			len(made), len(m.Features))
	}
	for i := range m.Features {
		x := &m.Features[i]
		if made[i].Name != x.Name && !strings.HasPrefix(x.Name, "Column_") {
			return fmt.Errorf("%w: feature %d is %q in the plan and %q in the model", assay.ErrInvalid, i+1,
				made[i].Name, x.Name)
		}
		if err := checkCodes(plan.Spec(), made[i], x); err != nil {
			return err
		}
	}
	return nil
}

// checkCodes reports a feature of the plan whose codes are not the model's.
func checkCodes(spec *plantext.Spec, made features.FeatureInfo, x *models.FeatureInfo) error {
	if x.Dictionary == nil {
		return nil
	}
	at := slices.IndexFunc(spec.Features, func(f plantext.FeatureSpec) bool { return f.Name == made.Name })
	if !made.Categorical || spec.Features[at].Kernel == "cross" {
		return fmt.Errorf("%w: the model's feature %q has the categories that its file lists (%s), and the plan "+
			"makes it by %s: make it a category, kernel: category over a field of kind %s", assay.ErrInvalid, x.Name,
			firstFew(x.Dictionary.Values), cmp.Or(spec.Features[at].Kernel, "passthrough"), x.Dictionary.Kind)
	}
	if !slices.Equal(made.Categories[:len(made.Categories)-1], x.Dictionary.Values) {
		return fmt.Errorf("%w: the plan's categories of %q are not those of the model's file, in its order (%s): "+
			"leave them out of the plan to have the file's", assay.ErrInvalid, x.Name, firstFew(x.Dictionary.Values))
	}
	return checkUnknown(spec, &spec.Features[at], x.Dictionary)
}

// checkUnknown reports a plan that treats a value outside the dictionary
// differently from the model's library.
func checkUnknown(spec *plantext.Spec, f *plantext.FeatureSpec, d *models.Dictionary) error {
	if !d.Closed && f.Unknown != "missing" {
		return fmt.Errorf("%w: the plan makes a value outside the categories of %q %q, and it is missing to the "+
			"model's library: write unknown: missing", assay.ErrInvalid, f.Name, plantext.OtherCategory)
	}
	at := slices.IndexFunc(spec.Fields, func(x plantext.FieldSpec) bool { return x.Name == fieldOf(f) })
	if d.Closed && (at < 0 || len(spec.Fields[at].Values) == 0) {
		return fmt.Errorf("%w: the plan takes a value outside the categories of %q, and the model's library refuses "+
			"it: list them under values of the field %q", assay.ErrInvalid, f.Name, fieldOf(f))
	}
	return nil
}

// PlainPlan is a plan with one field for each of the model's features: a number
// that is passed through, or a category with the values that the file lists.
func (m *Model) PlainPlan(ctx context.Context) (*features.Plan, error) {
	spec := &plantext.Spec{Version: 1, Name: "imported"}
	var fields []arrow.Field
	var cols []arrow.Array
	for _, x := range m.Features {
		field := plantext.FieldSpec{Name: x.Name, Kind: "number"}
		feature := plantext.FeatureSpec{Name: x.Name, Kernel: "passthrough"}
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
	plan, _, err := features.Fit(ctx, spec, rec, nil)
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

// categoryNotes say what was taken from the file for the model's categories, and
// what the file leaves open.
func categoryNotes(m *models.Model) []string {
	var listed, bare []string
	for _, x := range m.Features {
		switch {
		case x.Dictionary != nil:
			listed = append(listed, fmt.Sprintf("%s (%s)", x.Name, firstFew(x.Dictionary.Values)))
		case x.Categorical:
			bare = append(bare, x.Name)
		}
	}
	var out []string
	if len(listed) > 0 {
		out = append(out, "Categories as the model's file lists them: "+firstFew(listed)+".")
	}
	if len(bare) > 0 {
		out = append(out, "The model splits "+firstFew(bare)+" by category, and its file does not say what the codes "+
			"mean: rows must hold the codes that it was trained on, or a plan must list the values in the order of "+
			"their codes.")
	}
	return out
}

// firstFew names the first few of a list.
func firstFew(list []string) string {
	const most = 8
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
