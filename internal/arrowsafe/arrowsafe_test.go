// SPDX-License-Identifier: Apache-2.0

package arrowsafe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// allColumns is a record of every kind of column that has its own layout.
func allColumns(t testing.TB) arrow.Record {
	t.Helper()
	i32, f64, str := arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String
	md := arrow.NewMetadata([]string{"unit"}, []string{"EUR"})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: i32, Nullable: true, Metadata: md}, {Name: "f", Type: f64},
		{Name: "s", Type: str, Nullable: true}, {Name: "b", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "n", Type: arrow.Null, Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
		{Name: "x", Type: &arrow.FixedSizeBinaryType{ByteWidth: 3}},
		{Name: "l", Type: arrow.ListOf(arrow.ListOf(str))}, {Name: "z", Type: arrow.FixedSizeListOf(2, f64)},
		{Name: "m", Type: arrow.MapOf(str, i32)},
		{Name: "r", Type: arrow.StructOf(arrow.Field{Name: "p", Type: i32},
			arrow.Field{Name: "q", Type: str, Nullable: true})},
		{Name: "c", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: str}},
		{Name: "v", Type: arrow.BinaryTypes.StringView},
		{Name: "u", Type: arrow.SparseUnionOf([]arrow.Field{{Name: "a", Type: i32, Nullable: true},
			{Name: "b", Type: str, Nullable: true}}, []arrow.UnionTypeCode{0, 1})},
		{Name: "g", Type: arrow.RunEndEncodedOf(i32, str)},
	}, &md)
	cells := map[string]string{
		"i": `1`, "f": `2.5`, "s": `"one"`, "b": `true`, "t": `"2026-01-01 00:00:00"`, "n": `null`, "d": `"1.25"`,
		"x": `"QUJD"`, "l": `[["a","b"],[]]`, "z": `[1,2]`,
		"m": `[{"key":"k","value":1}]`, "r": `{"p":1,"q":"two"}`, "c": `"red"`,
		"v": `"longer than the twelve bytes of a view"`, "u": `[0,7]`, "g": `"run"`,
	}
	cols := make([]arrow.Array, schema.NumFields())
	for i, f := range schema.Fields() {
		a, _, err := array.FromJSON(memory.DefaultAllocator, f.Type,
			strings.NewReader("["+strings.Repeat(cells[f.Name]+",", 9)+cells[f.Name]+"]"))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		cols[i] = a
	}
	return array.NewRecord(schema, cols, 10)
}

func encodeStream(t testing.TB, opts ...ipc.Option) []byte {
	t.Helper()
	rec := allColumns(t)
	var b bytes.Buffer
	w := ipc.NewWriter(&b, append(opts, ipc.WithSchema(rec.Schema()))...)
	for range 2 {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeFile(t testing.TB) []byte {
	t.Helper()
	rec := allColumns(t)
	f, err := os.Create(t.TempDir() + "/x.arrow")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := ipc.NewFileWriter(f, ipc.WithSchema(rec.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec), w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const maxBytes = 1 << 20

// decode reads b to its end with the library, as a user of this package does.
func decode(b []byte, asFile bool) (rows int64, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("panic")
		}
	}()
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), asFile, &Budget{Buffer: maxBytes, Total: maxBytes})
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += rec.NumRows()
		rec.Release()
	}
}

// TestWellFormed: what the library writes is accepted, compressed or not.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{"plain": encodeStream(t), "zstd": encodeStream(t, ipc.WithZstd()),
		"lz4": encodeStream(t, ipc.WithLZ4())} {
		if n, err := decode(b, false); err != nil || n != 20 {
			t.Errorf("stream, %s: %d rows, %v", name, n, err)
		}
	}
	if n, err := decode(encodeFile(t), true); err != nil || n != 20 {
		t.Errorf("file: %d rows, %v", n, err)
	}
}

// TestLies: each word of the bytes claims something else, and decoding never
// takes more memory than allowed, with what the library needs for itself.
func TestLies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, form := range []struct {
		name string
		b    []byte
		file bool
	}{{"stream", encodeStream(t), false}, {"zstd", encodeStream(t, ipc.WithZstd()), false},
		{"file", encodeFile(t), true}} {
		refused := 0
		for at := 0; at+4 <= len(form.b); at += 4 {
			for _, lie := range []uint32{math.MaxInt32, 1 << 24, math.MaxUint32, 3} {
				b := bytes.Clone(form.b)
				binary.LittleEndian.PutUint32(b[at:], lie)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				if _, err := decode(b, form.file); err != nil {
					refused++
				}
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; took > 8*maxBytes {
					t.Fatalf("%s: %#x at byte %d took %d bytes of memory", form.name, lie, at, took)
				}
			}
		}
		if refused == 0 {
			t.Errorf("%s: nothing was refused", form.name)
		}
	}
}

// TestSharedParts: columns whose children are the same two columns, level below
// level, take a kilobyte to write and for ever to read.
func TestSharedParts(t *testing.T) {
	t.Parallel()
	le := binary.LittleEndian
	var b []byte
	// put appends a table with offsets at the given slots and returns where the offsets are.
	put := func(slots int, numbers map[int]byte, offsets ...int) (at int, refs map[int]int) {
		size := 4 + 4*len(offsets) + len(numbers)
		vtable := len(b)
		b = le.AppendUint16(le.AppendUint16(b, uint16(4+2*slots)), uint16(size))
		places, p := make([]uint16, slots), 4
		refs = map[int]int{}
		at = vtable + 4 + 2*slots
		for _, o := range offsets {
			places[o], refs[o] = uint16(p), at+p
			p += 4
		}
		for s := range slots {
			if _, ok := numbers[s]; ok {
				places[s] = uint16(p)
				p++
			}
		}
		for _, p := range places {
			b = le.AppendUint16(b, p)
		}
		b = append(le.AppendUint32(b, uint32(at-vtable)), make([]byte, size-4)...)
		for s, v := range numbers {
			b[at+int(places[s])] = v
		}
		return at, refs
	}
	point := func(from, to int) { le.PutUint32(b[from:], uint32(to-from)) }
	list := func(n int) int { // a vector of n offsets, yet to be set
		at := len(b)
		b = append(le.AppendUint32(b, uint32(n)), make([]byte, 4*n)...)
		return at
	}
	b = make([]byte, 4)
	msg, refs := put(5, map[int]byte{messageKind: kindSchema}, messageHeader)
	point(0, msg)
	sch, srefs := put(4, nil, schemaFields)
	point(refs[messageHeader], sch)
	vec := list(1)
	point(srefs[schemaFields], vec)
	for range 40 {
		f, frefs := put(7, map[int]byte{fieldType: typeNull}, fieldType+1, fieldChildren)
		for k := range int(le.Uint32(b[vec:])) {
			point(vec+4+4*k, f)
		}
		empty, _ := put(0, nil)
		point(frefs[fieldType+1], empty)
		vec = list(2)
		point(frefs[fieldChildren], vec)
	}
	last, lrefs := put(7, map[int]byte{fieldType: typeNull}, fieldType+1)
	point(vec+4, last)
	point(vec+8, last)
	empty, _ := put(0, nil)
	point(lrefs[fieldType+1], empty)
	if err := verify(b, &message); !errors.Is(err, errShared) {
		t.Errorf("%d bytes: %v, want %v", len(b), err, errShared)
	}
}

// FuzzDecode: hostile bytes are an error, in bounded memory.
func FuzzDecode(f *testing.F) {
	f.Add(encodeStream(f), false)
	f.Add(encodeFile(f), true)
	f.Fuzz(func(t *testing.T, b []byte, asFile bool) {
		_, _ = decode(b, asFile)
	})
}
