// SPDX-License-Identifier: Apache-2.0

package pickle_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/interchange/pickle"
)

func dict(entries ...any) *pickle.Dict {
	d := &pickle.Dict{Entries: map[string]any{}}
	for i := 0; i < len(entries); i += 2 {
		d.Entries[entries[i].(string)] = entries[i+1]
	}
	return d
}

func list(items ...any) *pickle.List { return &pickle.List{Items: append([]any{}, items...)} }

// TestLoad runs each operation once, as pickletools describes it.
func TestLoad(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"N.":                                 nil,
		"\x88.":                              true,
		"\x89.":                              false,
		"I01\n.":                             true,
		"I00\n.":                             false,
		"I-7\n.":                             int64(-7),
		"L12345678901L\n.":                   int64(12345678901),
		"L123456789012345678901234L\n.":      nil, // of more than 64 bits
		"K\xff.":                             int64(255),
		"M\x01\x02.":                         int64(513),
		"J\xfe\xff\xff\xff.":                 int64(-2),
		"\x8a\x00.":                          int64(0),
		"\x8a\x01\xff.":                      int64(-1),
		"\x8a\x02\xff\x00.":                  int64(255),
		"\x8a\x09123456789.":                 nil,
		"F1.5\n.":                            1.5,
		"G\x3f\xf8\x00\x00\x00\x00\x00\x00.": 1.5,
		"S'a\\n\\x41\\'\\\\'\n.":             "a\nA'\\",
		"S\"b\"\n.":                          "b",
		"Vcaf\\u00e9 \xe9\n.":                "café é",
		"U\x02ab.":                           "ab",
		"T\x02\x00\x00\x00ab.":               "ab",
		"\x8c\x02ab.":                        "ab",
		"X\x02\x00\x00\x00ab.":               "ab",
		"\x8d\x02\x00\x00\x00\x00\x00\x00\x00ab.": "ab",
		"C\x02ab.":             []byte("ab"),
		"B\x02\x00\x00\x00ab.": []byte("ab"),
		"\x8e\x02\x00\x00\x00\x00\x00\x00\x00ab.": []byte("ab"),
		"\x96\x02\x00\x00\x00\x00\x00\x00\x00ab.": []byte("ab"),
		").":                                    pickle.Tuple{},
		"K\x01\x85.":                            pickle.Tuple{int64(1)},
		"K\x01K\x02\x86.":                       pickle.Tuple{int64(1), int64(2)},
		"K\x01K\x02K\x03\x87.":                  pickle.Tuple{int64(1), int64(2), int64(3)},
		"(K\x01NK\x03t.":                        pickle.Tuple{int64(1), nil, int64(3)},
		"].":                                    list(),
		"(K\x01K\x02l.":                         list(int64(1), int64(2)),
		"]K\x01a(K\x02K\x03e.":                  list(int64(1), int64(2), int64(3)),
		"}.":                                    dict(),
		"(U\x01aK\x01d.":                        dict("a", int64(1)),
		"}U\x01aK\x01s(U\x01bK\x02K\x07K\x08u.": dict("a", int64(1), "b", int64(2)), // the key 7 is no text
		"K\x01K\x020.":                          int64(1),
		"K\x01(K\x02K\x031.":                    int64(1),
		"K\x012\x86.":                           pickle.Tuple{int64(1), int64(1)},
		"K\x05q\x070h\x07.":                     int64(5),
		"K\x05r\x00\x01\x00\x000j\x00\x01\x00\x00.":      int64(5),
		"K\x05p300\n0g300\n.":                            int64(5),
		"K\x05\x940K\x06\x940h\x00h\x01\x86.":            pickle.Tuple{int64(5), int64(6)},
		"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N.": nil,
		"cos\nsystem\n.":                                 pickle.Name{Module: "os", Name: "system"},
		"U\x02osU\x06system\x93.":                        pickle.Name{Module: "os", Name: "system"},
		"N.and what follows":                             nil,
	} {
		got, err := pickle.Load([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, %v; want %#v", text, got, err, want)
		}
	}
}

// TestObjects: what Python would call is recorded, and not called.
func TestObjects(t *testing.T) {
	t.Parallel()
	gone := filepath.Join(t.TempDir(), "made")
	v, err := pickle.Load([]byte("cos\nsystem\n(S'touch " + gone + "'\ntR."))
	o, ok := v.(*pickle.Object)
	if err != nil || !ok || !o.Is("os", "system") || len(o.Args) != 1 || o.State != nil {
		t.Fatalf("%#v, %v: want an object that would be made by os.system", v, err)
	}
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Fatalf("the command was run: %v", err)
	}
	v, err = pickle.Load([]byte("csklearn.tree\nTree\n)\x81}U\x05depthK\x03sb."))
	if o, ok = v.(*pickle.Object); err != nil || !ok || !o.Is("sklearn.", "Tree") || o.Is("sklearn.", "Forest") ||
		o.Is("os", "Tree") || o.Attribute("depth") != int64(3) || o.Attribute("other") != nil {
		t.Errorf("%#v, %v: want a Tree with a depth", v, err)
	}
	v, err = pickle.Load([]byte("ccopy_reg\n_reconstructor\n(cm\nClass\ncbuiltins\nobject\nNtR."))
	if o, ok = v.(*pickle.Object); err != nil || !ok || !o.Is("m", "Class") {
		t.Errorf("%#v, %v: want an object of the class, not of what reconstructs it", v, err)
	}
	v, err = pickle.Load([]byte("c_codecs\nencode\n(V\xe9\\u0041\nVlatin1\ntR."))
	if b, ok := v.([]byte); err != nil || !ok || !bytes.Equal(b, []byte{0xe9, 'A'}) {
		t.Errorf("%#v, %v: want the two bytes of the text", v, err)
	}
	o = nil
	if o.Is("os", "system") || o.Attribute("depth") != nil {
		t.Error("no object has a name or an attribute")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		kind error
	}{
		"nothing":                   {"", pickle.ErrFormat},
		"no end":                    {"N", pickle.ErrFormat},
		"an end with no value":      {".", pickle.ErrFormat},
		"a protocol of the future":  {"\x80\x06N.", pickle.ErrUnsupported},
		"an unknown operation":      {"\xff.", pickle.ErrUnsupported},
		"an import by number":       {"\x82\x01.", pickle.ErrUnsupported},
		"a persistent number":       {"Pabc\n.", pickle.ErrUnsupported},
		"a length beyond the file":  {"X\xff\xff\xff\x7fa.", pickle.ErrFormat},
		"a length beyond any file":  {"\x8e\xff\xff\xff\xff\xff\xff\xff\xffa.", pickle.ErrFormat},
		"a line with no end":        {"I12", pickle.ErrFormat},
		"no number":                 {"Ix\n.", pickle.ErrFormat},
		"no float":                  {"Fx\n.", pickle.ErrFormat},
		"a text without quotes":     {"Sab\n.", pickle.ErrFormat},
		"an escape that ends":       {"S'\\'\n.", pickle.ErrFormat},
		"an unknown escape":         {"S'\\q'\n.", pickle.ErrFormat},
		"half a hex escape":         {"S'\\x4'\n.", pickle.ErrFormat},
		"no hex escape":             {"S'\\xzz'\n.", pickle.ErrFormat},
		"no unicode escape":         {"V\\uzzzz\n.", pickle.ErrFormat},
		"pop of nothing":            {"0.", pickle.ErrFormat},
		"a tuple of too few":        {"K\x01\x86.", pickle.ErrFormat},
		"a copy of nothing":         {"2.", pickle.ErrFormat},
		"a list with no mark":       {"K\x01l.", pickle.ErrFormat},
		"an item for no list":       {"}K\x01a.", pickle.ErrFormat},
		"an entry for no dict":      {"]U\x01aK\x01s.", pickle.ErrFormat},
		"a key without a value":     {"}(U\x01au.", pickle.ErrFormat},
		"a dict of three":           {"(U\x01aK\x01U\x01bd.", pickle.ErrFormat},
		"a state for no object":     {"NNb.", pickle.ErrFormat},
		"a name of numbers":         {"K\x01K\x02\x93.", pickle.ErrFormat},
		"a call of a number":        {"K\x01)R.", pickle.ErrFormat},
		"a call without a tuple":    {"cm\nf\nNR.", pickle.ErrFormat},
		"an empty place":            {"h\x07.", pickle.ErrFormat},
		"no place":                  {"gx\n.", pickle.ErrFormat},
		"nothing to keep":           {"q\x00.", pickle.ErrFormat},
		"a class that is a number":  {"ccopy_reg\n_reconstructor\n(K\x01NNtR.", pickle.ErrFormat},
		"bytes of no text":          {"c_codecs\nencode\n(K\x01Vlatin1\ntR.", pickle.ErrFormat},
		"bytes of a wide character": {"c_codecs\nencode\n(V\\u0141\nVlatin1\ntR.", pickle.ErrFormat},
	} {
		if v, err := pickle.Load([]byte(c.text)); !errors.Is(err, c.kind) {
			t.Errorf("%s: %#v, error %v; want %v", name, v, err, c.kind)
		}
	}
}

// TestLoadGrows: a short pickle that asks for many copies of its bytes is
// refused before they take much memory; one that uses them once is read.
func TestLoadGrows(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a", 1000)
	encode := func(times int) string {
		return "V" + text + "\np0\n0c_codecs\nencode\np1\n0Vlatin1\np2\n0(" +
			strings.Repeat("g1\n(g0\ng2\ntR", times) + "t."
	}
	if _, err := pickle.Load([]byte(encode(2))); err != nil {
		t.Errorf("two copies: %v", err)
	}
	if _, err := pickle.Load([]byte(encode(200))); !errors.Is(err, pickle.ErrFormat) {
		t.Errorf("200 copies: error %v, want ErrFormat", err)
	}
}

// TestLoadCycle: a list that contains itself is a value like others.
func TestLoadCycle(t *testing.T) {
	t.Parallel()
	v, err := pickle.Load([]byte("]q\x00h\x00a."))
	l, ok := v.(*pickle.List)
	if err != nil || !ok || len(l.Items) != 1 || l.Items[0] != v {
		t.Fatalf("%T, %v: want a list of itself", v, err)
	}
}

// TestLoadCutOff: no beginning of a pickle is a pickle.
func TestLoadCutOff(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sklearn-0.19.2-binary-old.pkl", "sklearn-1.2.2-hist.pkl"} {
		whole := sample(t, name)
		if _, err := pickle.Load(whole); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		step := 1 + len(whole)/2000
		for n := 0; n < len(whole); n += step {
			if _, err := pickle.Load(whole[:n]); !errors.Is(err, pickle.ErrFormat) {
				t.Fatalf("%s, %d of %d bytes: error %v, want ErrFormat", name, n, len(whole), err)
			}
		}
	}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pythonValues prints one value's pickle, of a protocol, in hexadecimal.
const pythonValues = `import pickle
class Point: pass
p = Point(); p.x = 1.5; p.name = "a"
shared = ["twice"]
v = {"none": None, "flags": (True, False), "numbers": [0, -1, 255, 65536, -70000, 2**62, -2**63, 2**70],
     "floats": [0.0, -0.5, 1e300, float("inf")], "texts": ["", "caf\u00e9", "tab\t", "\u4e2d", "quote'\"\\"],
     "bytes": b"\x00\xff\x80", "nested": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, []],
     "shared": [shared, shared], "point": p}
for protocol in range(6): print(pickle.dumps(v, protocol).hex())
`

// TestLoadPython reads what Python itself writes, in each protocol.
func TestLoadPython(t *testing.T) {
	t.Parallel()
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" {
		t.Skip("ASSAY_PEERS_PYTHON is not set")
	}
	out, err := exec.Command(python, "-c", pythonValues).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := map[string]any{
		"none": nil, "flags": pickle.Tuple{true, false},
		"numbers": list(int64(0), int64(-1), int64(255), int64(65536), int64(-70000), int64(1)<<62,
			int64(math.MinInt64), nil),
		"floats": list(0.0, -0.5, 1e300, math.Inf(1)), "texts": list("", "café", "tab\t", "中", "quote'\"\\"),
		"bytes": []byte{0, 255, 128},
		"nested": list(pickle.Tuple{}, pickle.Tuple{int64(1)}, pickle.Tuple{int64(1), int64(2)},
			pickle.Tuple{int64(1), int64(2), int64(3)}, pickle.Tuple{int64(1), int64(2), int64(3), int64(4)},
			dict(), list()),
		"shared": list(list("twice"), list("twice")),
	}
	lines := strings.Fields(string(out))
	if len(lines) != 6 {
		t.Fatalf("%d protocols, want 6", len(lines))
	}
	for protocol, line := range lines {
		v, err := pickle.Load(fromHex(t, line))
		if err != nil {
			t.Errorf("protocol %d: %v", protocol, err)
			continue
		}
		got := v.(*pickle.Dict).Entries
		for name, w := range want {
			if !reflect.DeepEqual(got[name], w) {
				t.Errorf("protocol %d, %s: %#v, want %#v", protocol, name, got[name], w)
			}
		}
		point, _ := got["point"].(*pickle.Object)
		if !point.Is("__main__", "Point") || point.Attribute("x") != 1.5 || point.Attribute("name") != "a" {
			t.Errorf("protocol %d: the point is %#v", protocol, point)
		}
		if twice := got["shared"].(*pickle.List).Items; twice[0] != twice[1] {
			t.Errorf("protocol %d: one list became two", protocol)
		}
	}
}

// FuzzLoad: any bytes give a value or an error of a kind, without a panic, and
// as an array, a number or a boolean, the value can be asked for.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("cos\nsystem\n(S'true'\ntR."))
	f.Add([]byte("]q\x00h\x00a."))
	f.Add([]byte("\x80\x05\x95\x00\x00\x00\x00\x00\x00\x00\x00}(\x8c\x01aC\x02bc\x8c\x01dG12345678u."))
	f.Add(sample(f, "sklearn-0.19.2-binary-old.pkl"))
	f.Add(sample(f, "sklearn-1.2.2-hist.pkl"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := pickle.Load(b)
		if err != nil {
			if !errors.Is(err, pickle.ErrFormat) && !errors.Is(err, pickle.ErrUnsupported) {
				t.Fatalf("error %v is of no kind", err)
			}
			return
		}
		pickle.Whole(v)
		pickle.Bool(v)
		if a, ok := pickle.ArrayOf(v); ok {
			readAll(a)
		}
	})
}
