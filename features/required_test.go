// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/infer"
	"github.com/assayrisk/assay/features/plantext"
)

// applications is a table of 40 rows in which half of the incomes are missing.
func applications(t *testing.T, job func(row int) string) arrow.Record {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "amount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "income", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "job", Type: arrow.BinaryTypes.String}, {Name: "owner", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 40 {
		b.Field(0).(*array.Float64Builder).Append(float64(i))
		if i%2 == 0 {
			b.Field(1).(*array.Float64Builder).Append(float64(i))
		} else {
			b.Field(1).AppendNull()
		}
		b.Field(2).(*array.StringBuilder).Append(job(i))
		b.Field(3).(*array.StringBuilder).Append([]string{"True", "False"}[i%2])
	}
	return b.NewRecord()
}

func inferred(t *testing.T) (*plantext.Spec, *features.Plan) {
	t.Helper()
	rec := applications(t, func(int) string { return "fixed" })
	spec, _, err := infer.FromTable(rec, "")
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := features.Fit(context.Background(), spec, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return spec, p
}

// TestInferRequires: an inferred plan requires what every row had, and takes a
// column of true and false for a flag. Leaving a required field out is refused.
func TestInferRequires(t *testing.T) {
	t.Parallel()
	spec, p := inferred(t)
	want := map[string]string{"amount": " true", "income": " false", "job": "text true", "owner": "flag true"}
	for _, f := range spec.Fields {
		if got := fmt.Sprintf("%s %v", f.Kind, f.Required); got != want[f.Name] {
			t.Errorf("%s is %s, want %s", f.Name, got, want[f.Name])
		}
	}
	full := []assay.Field{{Name: "amount", Value: assay.NumberValue(1)}, {Name: "job", Value: assay.TextValue("fixed")},
		{Name: "owner", Value: assay.FlagValue(true)}}
	for i := range full {
		ev := assay.Event{ID: "e", Kind: "application", Time: at}
		ev.Fields = append(append(ev.Fields, full[:i]...), full[i+1:]...)
		_, err := p.Read(nil, &ev)
		var fe *assay.FieldError
		if !errors.As(err, &fe) || fe.Field != full[i].Name || fe.Problem != "is required" {
			t.Errorf("without %s: %v", full[i].Name, err)
		}
	}
	if got := fmt.Sprint(infer.Gaps(applications(t, func(i int) string {
		return strings.Repeat("x", i%3)
	}))); got != "[income job]" {
		t.Errorf("columns with gaps: %s", got)
	}
}

// TestEmptyEvent: an event without any field that a feature reads is refused even
// by a plan that requires nothing; an event whose fields are all missing is not.
func TestEmptyEvent(t *testing.T) {
	t.Parallel()
	spec, err := features.ParseSpec(
		[]byte("version: 1\nfields: [{name: number}, {name: note, kind: text}]\nfeatures: [{name: number}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := features.Fit(context.Background(), spec, oneNumber(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fields []assay.Field
		ok     bool
	}{
		{nil, false},
		{[]assay.Field{{Name: "note", Value: assay.TextValue("hello")}}, false},
		{[]assay.Field{{Name: "number"}}, true},
		{[]assay.Field{{Name: "number", Value: assay.NumberValue(1)}}, true},
	} {
		ev := assay.Event{ID: "e", Kind: "application", Time: at, Fields: c.fields}
		_, err := p.Read(nil, &ev)
		if (err == nil) != c.ok || err != nil && !strings.HasSuffix(err.Error(), "those are number") {
			t.Errorf("%v: %v", c.fields, err)
		}
	}
}

// TestColumnsOfTable: columns that a plan lacks in a table, and columns that it
// does not know.
func TestColumnsOfTable(t *testing.T) {
	t.Parallel()
	_, p := inferred(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "Amount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "job", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	rec := b.NewRecord()
	if got := fmt.Sprint(p.MissingColumns(rec), p.UnknownColumns(rec.Schema())); got !=
		"[amount income owner] [Amount]" {
		t.Error(got)
	}
	spec, err := features.ParseSpec(
		[]byte("version: 1\nfields: [{name: number}, {name: note, kind: text, optional: true}]\nfeatures: [{name: " +
			"number}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p, _, err = features.Fit(context.Background(), spec, oneNumber(t, 1), nil); err != nil ||
		len(p.MissingColumns(oneNumber(t, 1))) > 0 {
		t.Errorf("an optional column: %v, %v", p.MissingColumns(oneNumber(t, 1)), err)
	}
	if _, err := features.ParseSpec(
		[]byte("version: 1\nfields: [{name: number, required: true, optional: true}]\nfeatures: [{name: " +
			"number}]\n")); err == nil {
		t.Error("required and optional")
	}
}

// TestUnseen: a column in another spelling, and another column, are distinguished
// from a column with some new values.
func TestUnseen(t *testing.T) {
	t.Parallel()
	_, p := inferred(t)
	for name, c := range map[string]struct {
		job    func(int) string
		unseen int
		wrong  bool
	}{
		"as in training": {func(int) string { return "fixed" }, 0, false},
		"some are new":   {func(i int) string { return []string{"fixed", "free"}[i%2] }, 20, false},
		"other codes":    {func(int) string { return "F" }, 40, true},
		"no values":      {func(int) string { return "" }, 0, false},
	} {
		found, err := p.Unseen(applications(t, c.job))
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v, %v", name, found, err)
		}
		if u := found[0]; u.Field != "job" || u.Unseen != c.unseen || u.LikelyWrongColumn() != c.wrong {
			t.Errorf("%s: %+v", name, u)
		}
	}
}

// TestUnseenNumbers: a dictionary of numbers, as in models of integer categories
// from pandas, is checked like one of texts.
func TestUnseenNumbers(t *testing.T) {
	t.Parallel()
	p := fitted(t, `
version: 1
fields: [{name: branch}]
features: [{name: branch, kernel: category, categories: [8, 3, 4]}]
`, tableOf([]string{"branch"}, arrayOf(t, arrow.PrimitiveTypes.Float64, "8", "3", "4")))
	for _, c := range []struct {
		cells  []string
		unseen int
		wrong  bool
	}{
		{[]string{"3", "4", "8"}, 0, false}, {[]string{"0", "1", "2"}, 3, true}, {[]string{"3", "1", "NaN"}, 1, false},
	} {
		found, err := p.Unseen(tableOf([]string{"branch"}, arrayOf(t, arrow.PrimitiveTypes.Float64, c.cells...)))
		if err != nil || len(found) != 1 || found[0].Field != "branch" || found[0].Unseen != c.unseen ||
			found[0].LikelyWrongColumn() != c.wrong {
			t.Errorf("%v: %+v, %v", c.cells, found, err)
		}
	}
}
