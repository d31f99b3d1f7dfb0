// SPDX-License-Identifier: Apache-2.0

package pickle_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/interchange/pickle"
)

func fromHex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readAll asks for every element of an array, and every member of records.
func readAll(a pickle.Array) {
	for i := range a.Len() {
		a.Number(i)
		if a.Kind == 'U' {
			a.Text(i)
		}
		for name := range a.Members {
			if m, ok := a.Member(name); ok && m.Kind == 'f' {
				a.Float(i, m)
			} else if ok {
				a.Int(i, m)
			}
		}
	}
}

func dtype(code string, state ...any) *pickle.Object {
	o := &pickle.Object{Callable: pickle.Name{Module: "numpy", Name: "dtype"}, Args: pickle.Tuple{code, int64(0)}}
	if len(state) > 0 {
		o.State = pickle.Tuple(state)
	}
	return o
}

func array(kind, data any) *pickle.Object {
	return &pickle.Object{
		Callable: pickle.Name{Module: "numpy.core.multiarray", Name: "_reconstruct"},
		State:    pickle.Tuple{int64(1), pickle.Tuple{int64(1)}, kind, false, data},
	}
}

func scalar(kind, data any) *pickle.Object {
	return &pickle.Object{
		Callable: pickle.Name{Module: "numpy.core.multiarray", Name: "scalar"}, Args: pickle.Tuple{kind, data},
	}
}

func TestArrayOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind *pickle.Object
		data any
		want []float64
	}{
		"int8":           {dtype("i1"), []byte{1, 255}, []float64{1, -1}},
		"uint8":          {dtype("u1"), []byte{1, 255}, []float64{1, 255}},
		"int16":          {dtype("<i2"), []byte{1, 2, 0, 128}, []float64{513, -32768}},
		"uint16":         {dtype("u2"), []byte{0, 128}, []float64{32768}},
		"int32":          {dtype("i4"), []byte{0xfe, 0xff, 0xff, 0xff}, []float64{-2}},
		"int64":          {dtype("i8"), []byte{0, 0, 0, 0, 1, 0, 0, 0}, []float64{1 << 32}},
		"bool":           {dtype("b1"), []byte{0, 1}, []float64{0, 1}},
		"float64":        {dtype("f8"), []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, []float64{1.5}},
		"as Python 2":    {dtype("u1"), "\x01\x02", []float64{1, 2}},
		"little-endian":  {dtype("i2", int64(3), "<"), []byte{1, 0}, []float64{1}},
		"no element":     {dtype("f8"), []byte{}, nil},
		"float32":        {dtype("f4"), []byte{0, 0, 0, 0}, []float64{math.NaN()}}, // an array, of no number
		"texts of wide":  {dtype("U1"), []byte{'a', 0, 0, 0}, []float64{math.NaN()}},
		"a type of void": {dtype("V2", 1, 2, 3, 4, dict()), []byte{1, 2}, []float64{math.NaN()}},
	} {
		a, ok := pickle.ArrayOf(array(c.kind, c.data))
		if !ok || a.Len() != len(c.want) {
			t.Errorf("%s: %+v, %v", name, a, ok)
			continue
		}
		for i, want := range c.want {
			got, ok := a.Number(i)
			if ok == math.IsNaN(want) || ok && got != want {
				t.Errorf("%s: element %d is %v, %v; want %v", name, i, got, ok, want)
			}
		}
		if _, ok := a.Number(a.Len()); ok {
			t.Errorf("%s: an element past the end", name)
		}
		if _, ok := a.Number(-1); ok {
			t.Errorf("%s: an element before the first", name)
		}
	}
}

func TestArrayOfRefuses(t *testing.T) {
	t.Parallel()
	record := func(fields *pickle.Dict) *pickle.Object { return dtype("V8", int64(3), "|", nil, nil, fields) }
	for name, v := range map[string]any{
		"nothing":                   nil,
		"another object":            &pickle.Object{Callable: pickle.Name{Module: "os", Name: "_reconstruct"}},
		"no state":                  &pickle.Object{Callable: pickle.Name{Module: "numpy", Name: "_reconstruct"}},
		"too few arguments":         &pickle.Object{Callable: pickle.Name{Module: "numpy", Name: "_frombuffer"}},
		"no type":                   array(nil, []byte{1}),
		"a type of nothing":         array(dtype(""), []byte{1}),
		"a type without a size":     array(dtype("i"), []byte{1}),
		"a size of 3":               array(dtype("i3"), []byte{1, 2, 3}),
		"a size of 0":               array(dtype("V0"), []byte{}),
		"a negative size":           array(dtype("i-8"), make([]byte, 8)),
		"a huge size":               array(dtype("V100000"), make([]byte, 100000)),
		"complex numbers":           array(dtype("c16"), make([]byte, 16)),
		"big-endian":                array(dtype("i2", int64(3), ">"), []byte{0, 1}),
		"half an element":           array(dtype("f8"), make([]byte, 12)),
		"no data":                   array(dtype("f8"), nil),
		"objects as bytes":          array(dtype("O8"), make([]byte, 8)),
		"numbers as objects":        array(dtype("f8"), list(1.5)),
		"records without fields":    array(dtype("V8"), make([]byte, 8)),
		"fields that are no dict":   array(dtype("V8", 1, 2, 3, 4, list()), make([]byte, 8)),
		"a field that is no tuple":  array(record(dict("a", dtype("i4"))), make([]byte, 8)),
		"a field without an offset": array(record(dict("a", pickle.Tuple{dtype("i4"), "x"})), make([]byte, 8)),
		"a field beyond the record": array(record(dict("a", pickle.Tuple{dtype("i8"), int64(1)})), make([]byte, 8)),
		"a field before the record": array(record(dict("a", pickle.Tuple{dtype("i8"), int64(-1)})), make([]byte, 8)),
		"a field far off": array(record(dict("a", pickle.Tuple{dtype("i4"), int64(math.MaxInt64)})),
			make([]byte, 8)),
		"a field of an unknown type":  array(record(dict("a", pickle.Tuple{dtype("x4"), int64(0)})), make([]byte, 8)),
		"a field with a type missing": array(record(dict("a", pickle.Tuple{nil, int64(0)})), make([]byte, 8)),
	} {
		if a, ok := pickle.ArrayOf(v); ok {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	kind := dtype("V21", int64(3), "|", nil, nil, dict(
		"left", pickle.Tuple{dtype("<i4"), int64(0)}, "threshold", pickle.Tuple{dtype("<f8"), int64(4)},
		"leaf", pickle.Tuple{dtype("u1"), int64(12)}, "narrow", pickle.Tuple{dtype("f4"), int64(13)},
		"text", pickle.Tuple{dtype("U1"), int64(17)}))
	data := bytes.Repeat([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 1, 0, 0, 0, 0, 'a', 0, 0, 0}, 2)
	a, ok := pickle.ArrayOf(array(kind, data))
	if !ok || a.Len() != 2 {
		t.Fatalf("%+v, %v", a, ok)
	}
	left, ok1 := a.Member("left")
	threshold, ok2 := a.Member("threshold")
	leaf, ok3 := a.Member("leaf")
	if !ok1 || !ok2 || !ok3 || a.Int(1, left) != -1 || a.Float(1, threshold) != 1.5 || a.Int(1, leaf) != 1 {
		t.Errorf("members %v, %v, %v of record 1", left, threshold, leaf)
	}
	for _, name := range []string{"narrow", "text", "missing"} {
		if m, ok := a.Member(name); ok {
			t.Errorf("the member %s is %v: want none, which is no number that is read", name, m)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	float := []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}
	inf := []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}
	for _, c := range []struct {
		v      any
		number float64
		ok     bool
		whole  bool
	}{
		{1.5, 1.5, true, false}, {int64(7), 7, true, true}, {int64(-1), -1, true, false}, {2.0, 2, true, true},
		{math.Inf(1), 0, false, false}, {math.NaN(), 0, false, false}, {"7", 0, false, false}, {nil, 0, false, false},
		{true, 0, false, false}, {float64(1 << 31), 1 << 31, true, true}, {float64(1 << 32), 1 << 32, true, false},
		{scalar(dtype("f8"), float), 1.5, true, false}, {scalar(dtype("u1"), []byte{9}), 9, true, true},
		{scalar(dtype("f8"), inf), 0, false, false}, {scalar(dtype("f8"), float[:4]), 0, false, false},
		{scalar(dtype("f4"), float[:4]), 0, false, false}, {scalar(dtype("O8"), float), 0, false, false},
		{scalar(nil, float), 0, false, false}, {array(dtype("f8"), float), 0, false, false},
	} {
		if got, ok := pickle.Number(c.v); ok != c.ok || ok && got != c.number {
			t.Errorf("%#v: number %v, %v; want %v, %v", c.v, got, ok, c.number, c.ok)
		}
		if got, ok := pickle.Whole(c.v); ok != c.whole || ok && float64(got) != c.number {
			t.Errorf("%#v: whole %v, %v; want %v, %v", c.v, got, ok, c.number, c.whole)
		}
	}
	for _, c := range []struct {
		v         any
		value, ok bool
	}{
		{true, true, true}, {false, false, true}, {int64(1), false, false},
		{scalar(dtype("b1"), []byte{1}), true, true}, {scalar(dtype("b1"), []byte{0}), false, true},
		{scalar(dtype("u1"), []byte{1}), false, false}, {scalar(dtype("b1"), []byte{}), false, false},
	} {
		if got, ok := pickle.Bool(c.v); ok != c.ok || ok && got != c.value {
			t.Errorf("%#v: boolean %v, %v; want %v, %v", c.v, got, ok, c.value, c.ok)
		}
	}
}

// numpyArrays prints arrays' pickles, each in two protocols, in hexadecimal.
const numpyArrays = `import pickle, numpy as np
for a in [np.array([1.5, -2]), np.array([3, -4], dtype=np.int32), np.array(["ab", "c"]), np.array([True, False]),
          np.array(["x", None], dtype=object), np.array([(1, 2.5)], dtype=[("n", "<i8"), ("x", "<f8")]),
          np.asfortranarray(np.array([[1.0, 2], [3, 4]])), np.array([1.5], dtype=">f8")]:
    for protocol in (2, 5): print(pickle.dumps(a, protocol).hex())
`

// TestArraysOfNumPy reads what NumPy itself writes.
func TestArraysOfNumPy(t *testing.T) {
	t.Parallel()
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("ASSAY_PEERS_PYTHON is not set")
	}
	out, err := exec.Command(python, "-c", numpyArrays).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checks := []func(a pickle.Array) bool{
		func(a pickle.Array) bool { x, _ := a.Number(0); y, _ := a.Number(1); return x == 1.5 && y == -2 },
		func(a pickle.Array) bool { x, _ := a.Number(0); y, _ := a.Number(1); return x == 3 && y == -4 },
		func(a pickle.Array) bool { return a.Kind == 'U' && a.Text(0) == "ab" && a.Text(1) == "c" },
		func(a pickle.Array) bool { return a.Kind == 'b' && bytes.Equal(a.Data, []byte{1, 0}) },
		func(a pickle.Array) bool { return a.Kind == 'O' && a.Objects[0] == "x" && a.Objects[1] == nil },
		func(a pickle.Array) bool {
			n, ok1 := a.Member("n")
			x, ok2 := a.Member("x")
			return ok1 && ok2 && a.Int(0, n) == 1 && a.Float(0, x) == 2.5
		},
		func(a pickle.Array) bool { x, _ := a.Number(1); return a.ColumnsFirst && x == 3 },
		nil, // big-endian: refused
	}
	lines := strings.Fields(string(out))
	if len(lines) != 2*len(checks) {
		t.Fatalf("%d arrays, want %d", len(lines), 2*len(checks))
	}
	for i, line := range lines {
		v, err := pickle.Load(fromHex(t, line))
		if err != nil {
			t.Errorf("array %d: %v", i, err)
			continue
		}
		a, ok := pickle.ArrayOf(v)
		if check := checks[i/2]; ok != (check != nil) || ok && !check(a) {
			t.Errorf("array %d: %+v, %v", i, a, ok)
		}
	}
}
