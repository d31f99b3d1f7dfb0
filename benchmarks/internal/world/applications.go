// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
)

// NumberName is the name of an application's i-th number, n00 the first.
func NumberName(i int) string { return fmt.Sprintf("n%02d", i) }

// CategoryName is the name of an application's i-th text, t0 the first.
func CategoryName(i int) string { return fmt.Sprintf("t%d", i) }

// Applications describes applications that a buyer and a seller make: how many
// numbers and texts each has. Windows run over the two parties.
type Applications struct{ Numbers, Texts int }

// Windows are windows over earlier applications, for PlanYAML.
const Windows = `  - {name: buyer30, key: [buyer], on: [application], value: n00, length: 30d}
  - {name: buyer90, key: [buyer], on: [application], value: n00, length: 90d, member: seller}
  - {name: seller30, key: [seller], on: [application], value: n01, length: 30d}
  - {name: pair90, key: [buyer, seller], on: [application], value: n00, length: 90d}
`

// PlanYAML declares a plan with a feature for every number and text, and with
// these windows and features, which are lines of YAML lists.
func (a Applications) PlanYAML(name, windows, features string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nname: %s\ntime: at\nentities: [buyer, seller]\nfields:\n", name)
	for i := range a.Numbers {
		fmt.Fprintf(&b, "  - {name: %s}\n", NumberName(i))
	}
	for i := range a.Texts {
		fmt.Fprintf(&b, "  - {name: %s, kind: text}\n", CategoryName(i))
	}
	b.WriteString("windows:\n" + windows + "features:\n")
	for i := range a.Numbers {
		fmt.Fprintf(&b, "  - {name: %s}\n", NumberName(i))
	}
	for i := range a.Texts {
		fmt.Fprintf(&b, "  - {name: %s, min_count: 1}\n", CategoryName(i))
	}
	b.WriteString(features)
	return b.String()
}

// Record is a table of applications for training. The fields of an event are
// its numbers, then its texts; its entities are the buyer, then the seller. The
// caller releases it.
func (a Applications) Record(events []assay.Event) arrow.Record {
	var fields []arrow.Field
	for i := range a.Numbers {
		fields = append(fields, arrow.Field{Name: NumberName(i), Type: arrow.PrimitiveTypes.Float64})
	}
	for i := range a.Texts {
		fields = append(fields, arrow.Field{Name: CategoryName(i), Type: arrow.BinaryTypes.String})
	}
	fields = append(fields, arrow.Field{Name: "buyer", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "seller", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	parties := a.Numbers + a.Texts
	for _, e := range events {
		for j, f := range e.Fields {
			if j < a.Numbers {
				b.Field(j).(*array.Float64Builder).Append(f.Value.Number())
			} else {
				b.Field(j).(*array.StringBuilder).Append(f.Value.Text())
			}
		}
		b.Field(parties).(*array.StringBuilder).Append(e.Entities[0].ID)
		b.Field(parties + 1).(*array.StringBuilder).Append(e.Entities[1].ID)
		b.Field(parties + 2).(*array.TimestampBuilder).Append(arrow.Timestamp(e.Time.UnixMicro()))
	}
	return b.NewRecord()
}

// Train fits a plan to applications and trains a model on its features.
func (a Applications) Train(ctx context.Context, plan string, events []assay.Event, labels []float64, trees,
	leaves int) (*features.Plan, *models.Model, error) {
	rec := a.Record(events)
	defer rec.Release()
	spec, err := features.ParseSpec([]byte(plan))
	if err != nil {
		return nil, nil, err
	}
	p, _, err := features.Fit(ctx, spec, rec, nil)
	if err != nil {
		return nil, nil, err
	}
	m, err := p.Matrix(ctx, rec)
	if err != nil {
		return nil, nil, err
	}
	d := &gbdt.Dataset{Columns: m.Columns, Label: labels}
	for _, f := range p.Features() {
		d.Names, d.Categorical = append(d.Names, f.Name), append(d.Categorical, f.Categorical)
	}
	params := gbdt.DefaultParams()
	params.NumIterations, params.NumLeaves = trees, leaves
	r, err := gbdt.Train(ctx, d, params, gbdt.Options{})
	if err != nil {
		return nil, nil, err
	}
	return p, r.Model, nil
}
