// SPDX-License-Identifier: Apache-2.0

package fieldvalue_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay/features/fieldvalue"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// null is a cell without a value.
const null = "(null)"

// arrayOf makes an array of cells that are written as Arrow writes them.
func arrayOf(t *testing.T, typ arrow.DataType, cells ...string) arrow.Array {
	t.Helper()
	b := array.NewBuilder(memory.DefaultAllocator, typ)
	defer b.Release()
	for _, s := range cells {
		if s == null {
			b.AppendNull()
		} else if err := b.AppendValueFromString(s); err != nil {
			t.Fatalf("%s %q: %v", typ, s, err)
		}
	}
	return b.NewArray()
}

// record is a record with one column, named f.
func record(a arrow.Array) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{{Name: "f", Type: a.DataType(), Nullable: true}}, nil)
	return array.NewRecord(schema, []arrow.Array{a}, int64(a.Len()))
}

// fieldOf makes the field f of a plan from what its declaration says after the
// name. The texts a, b, 1 and true have codes.
func fieldOf(t *testing.T, declaration string) *fieldvalue.Field {
	t.Helper()
	s, err := plantext.Decode([]byte("version: 1\nfields: [{name: f" + declaration + "}]\n" +
		"features: [{name: x, kernel: missing, of: f}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := plancheck.Check(s); err != nil {
		t.Fatal(err)
	}
	f := fieldvalue.NewField(&s.Fields[0])
	if f.Codes = map[string]float64{"a": 0, "b": 1, "1": 2, "true": 3}; !strings.Contains(declaration, "text") {
		f.Codes = nil
	}
	return &f
}

// columnOf is the field's column in a record of one array.
func columnOf(t *testing.T, f *fieldvalue.Field, a arrow.Array) *fieldvalue.Column {
	t.Helper()
	c, err := f.ColumnIn(record(a), true)
	if err != nil {
		t.Fatalf("%s: %v", a.DataType(), err)
	}
	return &c
}

// same reports whether two numbers are equal to the bit, or both missing.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

func day(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

var (
	nan   = math.NaN()
	words = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	codes = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.PrimitiveTypes.Int64}
	reals = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.PrimitiveTypes.Float64}
	money = &arrow.Decimal128Type{Precision: 38, Scale: 2}
	large = &arrow.Decimal256Type{Precision: 60, Scale: 3}
	tens  = &arrow.Decimal128Type{Precision: 10, Scale: 0}
)
