// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

// A plan is read, fitted on a table, and then computes the vector of one event.
func Example() {
	spec, err := features.ParseSpec([]byte(`
version: 1
label: {column: target}
fields:
  - {name: Amount, required: true, min: 1}
  - {name: Income, min: 0}
  - {name: Job, kind: text}
features:
  - {name: Job, min_count: 30}
  - {name: months_of_income, kernel: ratio, of: [Amount, Income], monotone: increasing}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := datasets.Read(context.Background(), "credit_data", datasets.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, _, err := features.Fit(context.Background(), spec, table.Record, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ev := assay.Event{ID: "a-1", Kind: "application", Time: time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC),
		Fields: []assay.Field{
			{Name: "Amount", Value: assay.NumberValue(1000)},
			{Name: "Income", Value: assay.NumberValue(125)},
			{Name: "Job", Value: assay.TextValue("freelance")},
		}}
	if err := plan.Validate(&ev); err != nil {
		fmt.Println(err)
		return
	}
	v, err := plan.Vector(nil, &ev, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, f := range plan.Features() {
		fmt.Println(f.Name, v.Values[i], f.Categories)
	}
	// Output:
	// Job 1 [fixed freelance others partime other]
	// months_of_income 8 []
}

// An error in a plan says where it is and what to do.
func ExampleParseSpec_error() {
	_, err := features.ParseSpec(
		[]byte("version: 1\nfields:\n  - name: Amount\nfeatures:\n  - {name: share, kernel: ratio, of: [Amount, " +
			"Price]}\n"))
	fmt.Println(err)
	// Output:
	// plan: line 5, column 47 (features[0].of[1]): "Price" names no field and no other feature; the fields are Amount
}
