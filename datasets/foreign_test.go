// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
)

// TestForeignColumns: files of pandas, polars and pyarrow (testdata/foreign.py).
// A column that is not read is left out and said; one that a plan names is
// refused by the name of its type, and nothing is called damaged.
func TestForeignColumns(t *testing.T) {
	const polars = "x [1.5 2.5 (null)]\nview [\"a\" \"longer than the twelve bytes of a view\" (null)]\ndecimal " +
		"[0.35 (null) 2.5]\nunsigned [1 2 3]\n"
	const categories = "category [\"u\" \"v\" \"u\"]\nenum [\"u\" (null) \"v\"]\n"
	x := Options{Number: []string{"x"}}
	for _, c := range []struct {
		file string
		opt  Options
		want string // columns, or the error
		left string // columns that are left out, or said
	}{
		{"unread.parquet", Options{}, "x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\nflag [\"true\" \"false\" (null)]\n",
			"list struct binary map time"},
		{"unread.arrow", Options{}, "x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\nflag [\"true\" \"false\" (null)]\n",
			"list struct binary map time"},
		{"unread.parquet", Options{Number: []string{"x", "flag"}},
			"x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\nflag [1 0 (null)]\n", "list struct binary map time"},
		{"unread.parquet", Options{Text: []string{"list"}}, `column "list": a column of type list`, ""},
		{"unread.arrow", Options{Number: []string{"binary"}}, `column "binary": a column of type binary`, ""},
		{"split.parquet", Options{}, `column "split": it is encoded as BYTE_STREAM_SPLIT, which is not read`, ""},
		{"split.parquet", x, "x [1.5 2.5 (null)]\n", "split"},
		{"lz4raw.parquet", Options{},
			`column "split": it is compressed by LZ4_RAW, which is not read: write the file with zstd`, ""},
		{"lz4raw.parquet", x, "x [1.5 2.5 (null)]\n", "split"},
		{"polars.arrow", Options{}, polars, "list bytes"},
		{"oldest.arrow", Options{}, polars + categories, "list bytes"},
		{"polars.parquet", Options{}, polars + categories, "list bytes"},
		{"categories.arrow", Options{}, polars + categories, "list bytes"},
		{"int128.arrow", Options{Number: []string{"wide"}}, "wide [1 1.1805916207174113e+21]\nx [1.5 2.5]\n", ""},
		{"int128.arrow", Options{}, "wide [\"1\" \"1180591620717411303424\"]\nx [1.5 2.5]\n", "wide"},
		{"decimal32.arrow", Options{}, "small [1.25]\nx [1.5]\n", ""},
		{"ids.parquet", Options{},
			"id [\"9007199254740993\" \"9007199254740994\" \"7\"]\naccount [\"9223372036854775809\" " +
				"\"9223372036854775810\" \"7\"]\nx [1.5 2.5 (null)]\n", "id account"},
		{"ids.parquet", x,
			"id [9.007199254740992e+15 9.007199254740994e+15 7]\naccount [9.223372036854776e+18 " +
				"9.223372036854776e+18 7]\nx [1.5 2.5 (null)]\n", ""},
		{"ids.parquet", Options{Text: []string{"id", "account"}},
			"id [\"9007199254740993\" \"9007199254740994\" \"7\"]\naccount [\"9223372036854775809\" " +
				"\"9223372036854775810\" \"7\"]\nx [1.5 2.5 (null)]\n", ""},
		{"index.parquet", Options{}, "x [1.5 2.5 (null)]\ntarget [1 0 1]\n", "__index_level_0__"},
		{"index.parquet", Options{Number: []string{"__index_level_0__"}},
			"x [1.5 2.5 (null)]\ntarget [1 0 1]\n__index_level_0__ [7 3 5]\n", ""},
	} {
		f, err := Read(context.Background(), "testdata/"+c.file, c.opt)
		if err != nil {
			if !errors.Is(err, assay.ErrInvalid) || errors.Is(err, assay.ErrCorrupt) ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; want %s", c.file, err, c.want)
			}
			continue
		}
		if got := columnsOf(f); got != c.want {
			t.Errorf("%s is read as\n%swant\n%s", c.file, got, c.want)
		}
		var left []string
		for _, n := range f.Columns {
			left = append(left, n.Column)
		}
		if got := strings.Join(left, " "); got != c.left {
			t.Errorf("%s: notes on %q, want %q", c.file, got, c.left)
		}
	}
}

// TestEveryColumn: files that hold every kind of column that pyarrow, polars and
// DuckDB write (testdata/foreign.py), in two batches where the format has
// batches. What is read is right whatever lies in front of it.
func TestEveryColumn(t *testing.T) {
	const polars = "x [1.5 2.5 (null)]\nwide [1.1805916207174113e+21 (null) -1.329227995784916e+36]\n" +
		"s [\"a\" \"b\" \"c\"]\n"
	const arrow = `x [1.5 2.5 (null) 1.5 2.5 (null)]
view ["a" "longer than the twelve bytes of a view" (null) "a" "longer than the twelve bytes of a view" (null)]
large ["a" (null) "c" "a" (null) "c"]
decimal32 [1.25 (null) -0.35 1.25 (null) -0.35]
decimal64 [(null) 1.2345678901234567e+11 -1.000001 (null) 1.2345678901234567e+11 -1.000001]
decimal256 [1.25 (null) -0.35 1.25 (null) -0.35]
code ["u" (null) "v" "u" (null) "v"]
rate [2.5 (null) 0.35 2.5 (null) 0.35]
half [0.5 (null) -2 0.5 (null) -2]
null [(null) (null) (null) (null) (null) (null)]
json ["{}" (null) "[]" "{}" (null) "[]"]
bool8 [1 (null) 0 1 (null) 0]
day [1767312000000000 (null) -86400000000 1767312000000000 (null) -86400000000]
s ["a" "b" "c" "a" "b" "c"]
`
	const parquet = `x [1.5 2.5 (null)]
view ["a" "longer than the twelve bytes of a view" (null)]
large ["a" (null) "c"]
decimal32 [1.25 (null) -0.35]
decimal64 [(null) 1.2345678901234567e+11 -1.000001]
decimal256 [1.25 (null) -0.35]
code ["u" (null) "v"]
rate [2.5 (null) 0.35]
half [0.5 (null) -2]
null [(null) (null) (null)]
bool8 [1 (null) 0]
day [1767312000000000 (null) -86400000000]
s ["a" "b" "c"]
`
	const unreadArrow = "run_end_encoded list_view large_list_view large_list fixed_size_list sparse dense " +
		"binary_view " +
		"month_day_nano duration time32 nested map small_rate lists uuid opaque tensor"
	const duckdb = "x [1.5]\nbits [\"101\"]\nhuge [1.7014118346046923e+38]\n" +
		"uhuge [7]\ncode [\"u\"]\nsmall [0.35]\ns [\"a\"]\n"
	for _, c := range []struct{ file, want, left string }{
		{"every.arrow", arrow, unreadArrow},
		{"every.arrows", arrow, unreadArrow},
		{"v4.arrows", arrow, unreadArrow},
		{"every.parquet", parquet, "list_view large_list_view large_list fixed_size_list binary_view duration time32 " +
			"nested map small_rate uuid json opaque tensor"},
		{"polarsevery.arrow", polars, "unsigned time struct array object"},
		{"polarsevery.parquet", "x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\n", "wide time struct array object"},
		{"duckdbevery.parquet", duckdb, "variant deep uuid interval time timetz json blob map"},
	} {
		opt := Options{Number: []string{"wide", "decimal64", "huge", "bool8"}}
		if c.file == "polarsevery.parquet" {
			opt = Options{}
		}
		f, err := Read(context.Background(), "testdata/"+c.file, opt)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		if got := columnsOf(f); got != c.want {
			t.Errorf("%s is read as\n%swant\n%s", c.file, got, c.want)
		}
		left := strings.Fields(c.left)
		for i, n := range f.Columns {
			if i >= len(left) || n.Column != left[i] || !n.LeftOut {
				t.Errorf("%s: a note on %s (%s), want them on %s", c.file, n.Column, n.Note, c.left)
				break
			}
		}
		for _, name := range left { // each is refused by its name where it is asked for
			_, err := Read(context.Background(), "testdata/"+c.file, Options{Number: []string{name}})
			if !errors.Is(err, assay.ErrInvalid) || errors.Is(err, assay.ErrCorrupt) ||
				!strings.Contains(err.Error(), `column "`+name+`": a column of type `) {
				t.Errorf("%s: a plan that reads %s: %v", c.file, name, err)
			}
		}
	}
}

// TestPackedBlocks: polars packs its buffers by LZ4 with a check sum a block.
func TestPackedBlocks(t *testing.T) {
	f, err := Read(context.Background(), "testdata/lz4.arrow", Options{})
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for range 2000 {
		want.WriteString("1.5 2.5 ")
	}
	if got := columnsOf(f); !strings.HasPrefix(got, "x ["+strings.TrimSpace(want.String())+"]\n") {
		t.Errorf("lz4.arrow is read as %.60s", got)
	}
}
