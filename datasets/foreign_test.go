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
	const polars = "x [1.5 2.5 (null)]\nview [\"a\" \"longer than the twelve bytes of a view\" (null)]\ndecimal [0.35 (null) 2.5]\nunsigned [1 2 3]\n"
	const categories = "category [\"u\" \"v\" \"u\"]\nenum [\"u\" (null) \"v\"]\n"
	x := Options{Number: []string{"x"}}
	for _, c := range []struct {
		file string
		opt  Options
		want string // columns, or the error
		left string // columns that are left out, or said
	}{
		{"unread.parquet", Options{}, "x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\nflag [\"true\" \"false\" (null)]\n", "list struct binary map time"},
		{"unread.arrow", Options{}, "x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\nflag [\"true\" \"false\" (null)]\n", "list struct binary map time"},
		{"unread.parquet", Options{Number: []string{"x", "flag"}}, "x [1.5 2.5 (null)]\ns [\"a\" \"b\" \"c\"]\nflag [1 0 (null)]\n", "list struct binary map time"},
		{"unread.parquet", Options{Text: []string{"list"}}, `column "list": a column of type list`, ""},
		{"unread.arrow", Options{Number: []string{"binary"}}, `column "binary": a column of type binary`, ""},
		{"split.parquet", Options{}, `column "split": it is encoded as BYTE_STREAM_SPLIT, which is not read`, ""},
		{"split.parquet", x, "x [1.5 2.5 (null)]\n", "split"},
		{"lz4raw.parquet", Options{}, `column "split": it is compressed by LZ4_RAW, which is not read: write the file with zstd`, ""},
		{"lz4raw.parquet", x, "x [1.5 2.5 (null)]\n", "split"},
		{"polars.arrow", Options{}, polars, "list bytes"},
		{"oldest.arrow", Options{}, polars + categories, "list bytes"},
		{"polars.parquet", Options{}, polars + categories, "list bytes"},
		{"categories.arrow", Options{}, "a dictionary of text views is not supported", ""},
		{"int128.arrow", Options{}, "a column has a type that is not read", ""},
		{"decimal32.arrow", Options{}, "a column has a type that is not read", ""},
		{"ids.parquet", Options{}, "id [\"9007199254740993\" \"9007199254740994\" \"7\"]\naccount [\"9223372036854775809\" \"9223372036854775810\" \"7\"]\nx [1.5 2.5 (null)]\n", "id account"},
		{"ids.parquet", x, "id [9.007199254740992e+15 9.007199254740994e+15 7]\naccount [9.223372036854776e+18 9.223372036854776e+18 7]\nx [1.5 2.5 (null)]\n", ""},
		{"ids.parquet", Options{Text: []string{"id", "account"}}, "id [\"9007199254740993\" \"9007199254740994\" \"7\"]\naccount [\"9223372036854775809\" \"9223372036854775810\" \"7\"]\nx [1.5 2.5 (null)]\n", ""},
		{"index.parquet", Options{}, "x [1.5 2.5 (null)]\ntarget [1 0 1]\n", "__index_level_0__"},
		{"index.parquet", Options{Number: []string{"__index_level_0__"}}, "x [1.5 2.5 (null)]\ntarget [1 0 1]\n__index_level_0__ [7 3 5]\n", ""},
	} {
		f, err := Read(context.Background(), "testdata/"+c.file, c.opt)
		if err != nil {
			if !errors.Is(err, assay.ErrInvalid) || errors.Is(err, assay.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
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
