// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
)

// columnsOf writes a table down, a column a line.
func columnsOf(f *Frame) string {
	var b strings.Builder
	for i, c := range f.Record.Columns() {
		b.WriteString(f.Record.ColumnName(i) + " " + c.String() + "\n")
	}
	return b.String()
}

func gzipped(t *testing.T, b string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(b)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zstandard(t *testing.T, b string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(b), nil))
}

func utf16(t *testing.T, order unicode.Endianness, mark unicode.BOMPolicy, b string) string {
	t.Helper()
	out, err := unicode.UTF16(order, mark).NewEncoder().String(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTextForms: one table in the forms in which programs write it.
func TestTextForms(t *testing.T) {
	const plain = "x,s,target\n1.5,\"a, b\",0\n-2,é,1\n"
	const want = "x [1.5 -2]\ns [\"a, b\" \"é\"]\ntarget [0 1]\n"
	bzip, err := os.ReadFile("testdata/rows.csv.bz2")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"plain":                 {plain, want},
		"a mark in front":       {"\xef\xbb\xbf" + plain, want},
		"lines of Windows":      {strings.ReplaceAll(plain, "\n", "\r\n"), want},
		"lines of old Macs":     {strings.ReplaceAll(plain, "\n", "\r"), want},
		"semicolons":            {"x;s;target\n1.5;a, b;0\n-2;é;1\n", want},
		"tabs":                  {"x\ts\ttarget\n1.5\ta, b\t0\n-2\té\t1\n", want},
		"bars":                  {"x|s|target\n1.5|a, b|0\n-2|é|1\n", want},
		"decimal commas":        {"x;s;target\n1,5;a, b;0\n-2;é;1\n", want},
		"quoted decimal commas": {"x,s,target\n\"1,5\",\"a, b\",0\n-2,é,1\n", want},
		"a stated mark":         {"sep=;\nx;s;target\n1.5;a, b;0\n-2;é;1\n", want},
		"a quoted stated mark":  {"\"sep=;\"\r\nx;s;target\r\n1.5;a, b;0\r\n-2;é;1\r\n", want},
		"commas in a header": {"x;s, of the buyer;target\n1,5;a;0\n-2;é;1\n",
			"x [1.5 -2]\ns, of the buyer [\"a\" \"é\"]\ntarget [0 1]\n"},
		"UTF-16":                 {utf16(t, unicode.LittleEndian, unicode.UseBOM, plain), want},
		"UTF-16, big end first":  {utf16(t, unicode.BigEndian, unicode.UseBOM, plain), want},
		"UTF-16 without a mark":  {utf16(t, unicode.LittleEndian, unicode.IgnoreBOM, plain), want},
		"UTF-16BE without it":    {utf16(t, unicode.BigEndian, unicode.IgnoreBOM, plain), want},
		"gzip":                   {gzipped(t, plain), want},
		"two gzip members":       {gzipped(t, plain[:20]) + gzipped(t, plain[20:]), want},
		"zstd":                   {zstandard(t, plain), want},
		"gzip of UTF-16":         {gzipped(t, utf16(t, unicode.LittleEndian, unicode.UseBOM, plain)), want},
		"bzip2":                  {string(bzip), "x [1.5 2.5]\ns [\"a\" \"b\"]\n"},
		"a minus of typesetters": {"x,s,target\n1.5,\"a, b\",0\n\u22122,é,1\n", want},
		"row names":              {",x,s,target\n0,1.5,\"a, b\",0\n1,-2,é,1\n", want},
		"row names, saved twice": {"Unnamed: 0.1,Unnamed: 0,x,s,target\n0,0,1.5,\"a, b\",0\n1,1,-2,é,1\n", want},
		"a mark at each end":     {"x,s,target,\n1.5,\"a, b\",0,\n-2,é,1,\n", want},
		"one column":             {"x\n1.5\n", "x [1.5]\n"},
	} {
		f, err := ReadBytes(context.Background(), "x.csv", []byte(c.text), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := columnsOf(f); got != c.want {
			t.Errorf("%s: read as\n%swant\n%s", name, got, c.want)
		}
		path := t.TempDir() + "/x.csv"
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Stream(context.Background(), path, Options{})
		if err != nil {
			t.Errorf("%s, as a stream: %v", name, err)
			continue
		}
		for s.Next() {
			if got := columnsOf(&Frame{Record: s.Record()}); got != c.want {
				t.Errorf("%s, as a stream: read as\n%swant\n%s", name, got, c.want)
			}
		}
		if err := errors.Join(s.Err(), s.Close()); err != nil {
			t.Errorf("%s, as a stream: %v", name, err)
		}
	}
}

// TestUnread: what is not read is refused by its own name, with what to do.
func TestUnread(t *testing.T) {
	open := "a,target\n1,0\n2,1\n\"" + strings.Repeat("x", 3<<20)
	for name, c := range map[string]struct {
		text, want string
		kind       error
	}{
		"xls": {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", "old Excel workbook", assay.ErrInvalid},
		"ZIP": {"PK\x03\x04\x14\x00rows.csv", "a ZIP archive and no workbook: unzip it",
			assay.ErrInvalid},
		"a broken workbook": {"PK\x03\x04\x14\x00xl/workbook.xml", "damaged", assay.ErrCorrupt},
		"ODS": {"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
			"OpenDocument", assay.ErrInvalid},
		"xz":         {"\xfd7zXZ\x00\x00", "xz -d", assay.ErrInvalid},
		"JSON rows":  {"[\n {\"x\": 1}]", "JSON", assay.ErrInvalid},
		"JSON lines": {"{\"x\": 1}\n", "JSON", assay.ErrInvalid},
		"a page":     {"<!DOCTYPE html><html>", "web page", assay.ErrInvalid},
		"UTF-32":     {"\xff\xfe\x00\x00x\x00\x00\x00", "iconv -f UTF-32", assay.ErrInvalid},
		"ORC":        {"ORC\x00\x01", "an ORC file", assay.ErrInvalid},
		"zero bytes": {"a,b\n\x00\x00\x00\x00\x00\x00", "this is no text", assay.ErrInvalid},
		"half of a gzip file": {gzipped(t, strings.Repeat("a,b\n1,2\n", 99))[:30], "gzip data are damaged or cut off",
			assay.ErrCorrupt},
		"not zstd":           {"\x28\xb5\x2f\xfd\xff\xff\xff\xff", "zstd data are damaged", assay.ErrCorrupt},
		"Latin-1 header":     {"gr\xf6\xdfe,x\n1,2\n", "iconv -f WINDOWS-1252", assay.ErrInvalid},
		"Latin-1 text":       {"x,s\n1,gr\xf6n\n", "iconv -f WINDOWS-1252", assay.ErrInvalid},
		"one name twice":     {"x,x\n1,2\n", `names column "x" twice: rename one`, assay.ErrInvalid},
		"a name missing":     {"x,,y\n1,2,3\n", "header cell 2 is empty", assay.ErrInvalid},
		"cells without name": {"x,s,\n1,2,3\n", "the last cell has no name", assay.ErrInvalid},
		"an open quote":      {open, "is a quotation mark left open?", assay.ErrInvalid},
	} {
		_, err := ReadBytes(context.Background(), "f", []byte(c.text), Options{})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	// names that begin as formats do
	for _, text := range []string{"ORC,FEA1\n1,2\n", "BZhang,x\n1,2\n", "X\n1\n", "RDX,y\n1,2\n"} {
		if _, err := ReadBytes(context.Background(), "f", []byte(text), Options{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	bomb := gzipped(t, "x\n"+strings.Repeat("1\n", 1<<20))
	if _, err := ReadBytes(context.Background(), "f", []byte(bomb), Options{MaxBytes: 1 << 20}); err == nil ||
		!strings.Contains(err.Error(), "unpacked by gzip") {
		t.Errorf("a file that unpacks to more than is allowed: %v", err)
	}
}

// TestSheets reads workbooks that openpyxl wrote (testdata/book.py): numbers as
// they are stored, dates as times, empty rows left out.
func TestSheets(t *testing.T) {
	const want = "code [\"01234\" \"7\" \"x\"]\namount [0.7999999999999999 1234.56 (null)]\nowner [\"true\" " +
		"\"false\" \"true\"]\nopened [1772323200000000 946598400000000 (null)]\n" +
		"at [1772368200000000 946684799000000 (null)]\nrate [0.125 0.07 1]\nnote [\"a\" (null) \"b\"]\ntarget [1 0 1]\n"
	for file, sheet := range map[string]string{"testdata/book.xlsx": "", "testdata/sheets.xlsx": "loans"} {
		f, err := Read(context.Background(), file,
			Options{Sheet: sheet, Time: []string{"opened", "at"}, Text: []string{"code"}, Number: []string{"amount"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := columnsOf(f); got != want {
			t.Errorf("%s is read as\n%swant\n%s", file, got, want)
		}
	}
	for _, c := range []struct{ file, sheet, want string }{
		{"testdata/sheets.xlsx", "", "2 sheets have cells (loans, empty): say which one by --sheet"},
		{"testdata/sheets.xlsx", "Loan",
			`there is no sheet "Loan"; the sheets are loans, empty; did you mean "loans"?`},
		{"testdata/formula.xlsx", "", "cell B2 is a formula without a stored value"},
	} {
		if _, err := Read(context.Background(), c.file, Options{Sheet: c.sheet}); !errors.Is(err, assay.ErrInvalid) ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.file, err, c.want)
		}
	}
}

// TestSheetOverMaxBytes: a spreadsheet that is too large is refused as that, not
// as one that is damaged.
func TestSheetOverMaxBytes(t *testing.T) {
	t.Parallel()
	_, err := Stream(t.Context(), "testdata/book.xlsx", Options{MaxBytes: 1000})
	if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), "more than 1000 bytes") {
		t.Errorf("%v, want that it has more than 1000 bytes", err)
	}
}

// TestBrokenSheets: a workbook whose sheet is cut anywhere, or holds what no
// sheet has, is read or refused, as damaged or with the cell.
func TestBrokenSheets(t *testing.T) {
	b, err := os.ReadFile("testdata/book.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	in, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	parts, sheet := map[string]string{}, ""
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name] = string(text); strings.HasSuffix(f.Name, "sheet1.xml") {
			sheet = f.Name
		}
	}
	whole := parts[sheet]
	forms := []string{
		strings.ReplaceAll(whole, `r="3"`, `r="99999999"`), strings.ReplaceAll(whole, `r="3"`, `r="1048576"`),
		strings.ReplaceAll(whole, `r="B3"`, `r="ZZZZ3"`),
		strings.ReplaceAll(whole, `t="s"`, `t="?"`), strings.ReplaceAll(whole, "<v>1", "<v>99999999999999999999"),
		strings.ReplaceAll(whole, `r="`, `r="-`),
	}
	for cut := 0; cut < len(whole); cut += 97 {
		forms = append(forms, whole[:cut])
	}
	for i, form := range forms {
		parts[sheet] = form
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for name, text := range parts {
			f, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(f, text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := ReadBytes(context.Background(), "f", out.Bytes(), small)
		if err != nil && !errors.Is(err, assay.ErrInvalid) && !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("form %d: an error of no known kind: %v", i, err)
		}
	}
}

func FuzzReadSheet(f *testing.F) {
	for _, name := range []string{"book", "sheets", "formula"} {
		b, err := os.ReadFile("testdata/" + name + ".xlsx")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(check)
}
