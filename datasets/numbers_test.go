// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
)

// column makes a table of one column and an id from cells.
func column(cells ...string) []byte {
	var b strings.Builder
	b.WriteString("id;v\n")
	for i, c := range cells {
		fmt.Fprintf(&b, "r%d;%s\n", i, c)
	}
	return []byte(b.String())
}

// TestMarkedNumbers: columns of numbers with marks, read without a plan: as
// numbers where the cells leave no doubt, with what is said; refused where they
// do; as texts where they are codes, or where too many are none.
func TestMarkedNumbers(t *testing.T) {
	nine := func(mark string) []string { return []string{"1", "2", "3", "4.5", "5", "6", mark, "8", "9", "10"} }
	for name, c := range map[string]struct {
		cells []string
		want  string // the column, or the error
		note  string
	}{
		"plain":              {[]string{"1.5", "-2", "1e3"}, "[1.5 -2 1000]", ""},
		"thousands":          {[]string{"1,200.50", "850"}, "[1200.5 850]", "numbers written as 1,234.56"},
		"millions":           {[]string{"1,200,000", "850"}, "[1.2e+06 850]", "numbers written as 1,234.56"},
		"decimal comma":      {[]string{"1,5", "850", "-0,25"}, "[1.5 850 -0.25]", "numbers written as 1234,56"},
		"points and a comma": {[]string{"1.200,50", "850,00"}, "[1200.5 850]", "numbers written as 1.234,56"},
		"two points":         {[]string{"1.200.000", "850"}, "[1.2e+06 850]", "numbers written as 1.234,56"},
		"spaces": {[]string{"1 200,50", "12\u00a0850,00", "9\u202f999,00"}, "[1200.5 12850 9999]",
			"numbers written as 1 234,56"},
		"apostrophes": {[]string{"1'200.50", "12\u2019850"}, "[1200.5 12850]",
			"numbers written as 1'234.56"},
		"percent": {[]string{"12%", "7.5 %"}, "[12 7.5]", "12% is read as 12"},
		"euros": {[]string{"1.200,50 EUR", "3,00 EUR"}, "[1200.5 3]",
			"numbers written as 1.234,56 EUR"},
		"dollars": {[]string{"$1,200.50", "-$3", "$-4"}, "[1200.5 -3 -4]",
			"numbers written as $1,234.56"},
		"whole euros": {[]string{"€ 5", "€ 12"}, "[5 12]", "numbers written as €1234.56"},
		"either way": {[]string{"1,200", "850"},
			`its numbers can be read in two ways: say how they are written, by --numbers "1,234.56" or --numbers "1234,56"`, ""},
		"either way, with a unit": {[]string{"1.200 EUR", "3.500 EUR"}, "its numbers can be read in two ways", ""},
		"three decimals":          {[]string{"1.200", "3.450"}, "[1.2 3.45]", ""},
		"two currencies": {[]string{"1.50 EUR", "2.50 USD", "3.50 EUR"}, `["1.50 EUR" "2.50 USD" "3.50 EUR"]`,
			"several units"},
		"a percent and a share": {[]string{"12%", "0.12", "13%"}, `["12%" "0.12" "13%"]`, "several units"},
		"codes":                 {[]string{"01234", "99999"}, `["01234" "99999"]`, "zeros in front"},
		"long ids": {[]string{"12345678901234567", "12345678901234568"},
			`["12345678901234567" "12345678901234568"]`, "digit by digit"},
		"article numbers": {[]string{"A12", "A15"}, `["A12" "A15"]`, ""},
		"sizes":           {[]string{"12 cm", "15 cm"}, `["12 cm" "15 cm"]`, ""},
		"true and false":  {[]string{"True", "false", "TRUE"}, `["true" "false" "true"]`, ""},
		"booleans and gaps": {[]string{"True", "", "NA", "False"}, `["true" (null) (null) "false"]`,
			`1 "NA" taken as missing`},
		"a question mark": {nine("?"), "[1 2 3 4.5 5 6 (null) 8 9 10]", `1 "?" taken as missing`},
		"mostly marks": {[]string{"-", "N/A", "#N/A", "None", "<NA>", ".", "5"},
			"[(null) (null) (null) (null) (null) (null) 5]", "taken as missing"},
		"marks and commas": {[]string{"1,5", "n/a", "2,5"}, "[1.5 (null) 2.5]",
			"numbers written as 1234,56; 1 \"n/a\" taken as missing"},
		"a word": {nine("unknown"), "not a finite number, in a column of numbers", ""},
		"many words": {[]string{"1", "2", "3", "4", "5", "6", "na.", "na.", "na.", "na.", "na."},
			`["1" "2" "3" "4" "5" "6" "na." "na." "na." "na." "na."]`,
			`6 of 11 cells are numbers; if 5 "na." mean no value`},
		"infinity":          {nine("inf"), "not a finite number", ""},
		"texts with a mark": {[]string{"DE", "NA", "FR", "-"}, `["DE" "NA" "FR" "-"]`, ""},
	} {
		f, err := ReadBytes(context.Background(), "x.csv", column(c.cells...), Options{})
		if err != nil {
			if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; want %s", name, err, c.want)
			}
			continue
		}
		if got := f.Record.Column(1).String(); got != c.want {
			t.Errorf("%s: %v is read as %s, want %s", name, c.cells, got, c.want)
		}
		note := ""
		for _, n := range f.Columns {
			note += n.Note
		}
		if c.note == "" && note != "" || !strings.Contains(note, c.note) {
			t.Errorf("%s: the note is %q, want %q", name, note, c.note)
		}
	}
}

// nineAnd is nine numbers and another cell.
func nineAnd(cell string) []string { return append(strings.Split("123456789", ""), cell) }

// TestStatedNumbers: what a plan or a flag says settles what the cells leave
// open, and no more.
func TestStatedNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		cells []string
		opt   Options
		want  string
	}{
		"by the flag":            {[]string{"1,200", "850"}, Options{Numbers: "1,234.56"}, "[1200 850]"},
		"by the flag, other way": {[]string{"1,200", "850"}, Options{Numbers: "1.234,56"}, "[1.2 850]"},
		"by the plan": {[]string{"1,200"},
			Options{Number: []string{"v"}, Written: map[string]string{"v": "1,234.56"}}, "[1200]"},
		"points by the plan": {[]string{"1.200"},
			Options{Number: []string{"v"}, Written: map[string]string{"v": "1.234,56"}}, "[1200]"},
		"plain, with a plan": {[]string{"1200.5"},
			Options{Number: []string{"v"}, Written: map[string]string{"v": "1.234,56"}}, "[1200.5]"},
		"open under a plan": {[]string{"1,200"}, Options{Number: []string{"v"}}, "can be read in two ways"},
		"one bad cell": {[]string{"1", "x"}, Options{Number: []string{"v"}},
			`row 2 (line 3), column "v": not a finite number`},
		"one bad cell, skipped":  {[]string{"1", "x"}, Options{Number: []string{"v"}, SkipBadRows: true}, "[1]"},
		"one mark":               {[]string{"1", "N/A"}, Options{Number: []string{"v"}}, "[1 (null)]"},
		"flags":                  {[]string{"1", "true"}, Options{Number: []string{"v"}}, "[1 1]"},
		"codes that are numbers": {[]string{"007"}, Options{Number: []string{"v"}}, "[7]"},
		"a mark of the plan": {[]string{"1", "unknown"},
			Options{Number: []string{"v"}, MissingIn: map[string][]string{"v": {"unknown"}}}, "[1 (null)]"},
		"a text mark of the plan": {[]string{"a", "NA"},
			Options{Text: []string{"v"}, MissingIn: map[string][]string{"v": {"NA"}}}, `["a" (null)]`},
		"no mark for other fields": {[]string{"a", "NA"},
			Options{Text: []string{"v"}, MissingIn: map[string][]string{"id": {"NA"}}}, `["a" "NA"]`},
		"not read by the plan":   {[]string{"1,200"}, Options{Text: []string{"id"}}, `["1,200"]`},
		"one bad cell, not read": {nineAnd("x"), Options{Text: []string{"id"}}, "[1 2 3 4 5 6 7 8 9 (null)]"},
		"a sample that is none": {[]string{"1"}, Options{Numbers: "12.34"},
			"is no sample of how numbers are written"},
	} {
		f, err := ReadBytes(context.Background(), "x.csv", column(c.cells...), c.opt)
		if err != nil {
			if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; want %s", name, err, c.want)
			}
			continue
		}
		if got := f.Record.Column(1).String(); got != c.want {
			t.Errorf("%s: %v is read as %s, want %s", name, c.cells, got, c.want)
		}
	}
}

// TestOtherColumnsTell: what one column of a file leaves open, another settles.
func TestOtherColumnsTell(t *testing.T) {
	for text, want := range map[string]string{
		"a;b\n1,200;0,5\n3,400;0,25\n":       "a [1.2 3.4]\nb [0.5 0.25]\n",
		"a;b\n1.200;0,5\n3.400;0,25\n":       "a [1200 3400]\nb [0.5 0.25]\n",
		"a;b\n1,200;0.5\n3,400;0.25\n":       "a [1200 3400]\nb [0.5 0.25]\n",
		"a;b;c\n1.200;0,5;0.5\n2.1;0,5;.5\n": "a [1.2 2.1]\nb [0.5 0.5]\nc [0.5 0.5]\n",
	} {
		f, err := ReadBytes(context.Background(), "x.csv", []byte(text), Options{})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := columnsOf(f); got != want {
			t.Errorf("%q is read as\n%swant\n%s", text, got, want)
		}
	}
}
