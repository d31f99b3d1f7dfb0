// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/assayrisk/assay"
)

func newDecoder(t testing.TB, dictionaries ...*Dictionary) *Decoder {
	t.Helper()
	d, err := NewDecoder(dictionaries...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRecords compresses and reads every record, says what that saves, and compares
// it with what klauspost's encoder saves.
func TestRecords(t *testing.T) {
	t.Parallel()
	r := loadRecords(t)
	for _, kind := range recordKinds {
		d := r.dictionaries[kind]
		decoder := newDecoder(t, d)
		var before, with, without, twin int
		for _, record := range r.records[kind] {
			twin += len(d.general.EncodeAll(record, nil))
			frame, plain := d.Append(nil, record), (*Dictionary)(nil).Append(nil, record)
			before, with, without = before+len(record), with+len(frame), without+len(plain)
			for _, f := range [][]byte{frame, plain} {
				got, err := decoder.Append([]byte("x"), f, len(record))
				if err != nil || !bytes.Equal(got[1:], record) {
					t.Fatalf("%s: reads %x, error %v; want %x", kind, got, err, record)
				}
			}
		}
		n := len(r.records[kind])
		t.Logf("%s: %d records of %d bytes: %d without a dictionary, %d with one of %d bytes; klauspost %d", kind, n,
			before/n, without/n, with/n, len(d.Bytes()), twin/n)
		if before-with < (before-twin)*9/10 {
			t.Errorf("%s: saves %d bytes of %d, and klauspost's encoder %d", kind, before-with, before, before-twin)
		}
		if kind != "business" && with > without { // it holds little else than random bytes
			t.Errorf("%s: a dictionary leaves %d bytes, and none leaves %d", kind, with, without)
		}
	}
}

// TestMake: the same samples make the same dictionary, and Parse reads it.
func TestMake(t *testing.T) {
	t.Parallel()
	r := loadRecords(t)
	d := r.dictionaries["decision"]
	again, err := Make(r.samples)
	if err != nil || !bytes.Equal(again.Bytes(), d.Bytes()) {
		t.Fatalf("another dictionary from the same samples, error %v", err)
	}
	parsed, err := Parse(d.Bytes())
	if err != nil || parsed.Digest() != d.Digest() || parsed.ID() != d.ID() {
		t.Fatalf("parsed as %v, id %d, error %v", parsed.Digest(), parsed.ID(), err)
	}
	if d.ID() < 1<<15 || d.ID() >= 1<<31 {
		t.Errorf("id %d is not for private use", d.ID())
	}
	for _, samples := range [][][]byte{nil, {[]byte("only one sample, with nothing to compare")}, {nil, nil}} {
		if _, err := Make(samples); !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("Make(%q): error %v", samples, err)
		}
	}
	changed := bytes.Clone(d.Bytes())
	changed[len(changed)-1] ^= 1
	for _, b := range [][]byte{nil, d.Bytes()[:8], d.Bytes()[:100], changed} {
		if _, err := Parse(b); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("Parse of %d bytes: error %v", len(b), err)
		}
	}
}

// TestDecoderRefuses: a frame that is too long, that names another dictionary, or
// that is damaged is an error, and dst stays as it was.
func TestDecoderRefuses(t *testing.T) {
	t.Parallel()
	r := loadRecords(t)
	d, record := r.dictionaries["decision"], r.records["decision"][0]
	frame := d.Append(nil, record)
	known := newDecoder(t, d, r.dictionaries["event"], d)
	for name, c := range map[string]struct {
		decoder *Decoder
		frame   []byte
		limit   int
	}{
		"a byte too long":       {known, frame, len(record) - 1},
		"no limit":              {known, frame, -1},
		"unknown dictionary":    {newDecoder(t, r.dictionaries["event"]), frame, len(record)},
		"no dictionary":         {newDecoder(t), frame, len(record)},
		"nothing":               {known, nil, len(record)},
		"half":                  {known, frame[:len(frame)/2], len(record)},
		"two frames":            {known, append(bytes.Clone(frame), frame...), 2 * len(record)},
		"bytes behind":          {known, append(bytes.Clone(frame), 0), len(record)},
		"a skippable frame":     {known, []byte("\x50\x2a\x4d\x18\x01\x00\x00\x00x"), len(record)},
		"one behind":            {known, append(bytes.Clone(frame), "\x50\x2a\x4d\x18\x00\x00\x00\x00"...), 2000},
		"size not stated":       {known, []byte("\x28\xb5\x2f\xfd\x00\x00\x09\x00\x00x"), len(record)},
		"a block less than all": {known, []byte("\x28\xb5\x2f\xfd\x20\x02\x09\x00\x00x"), len(record)},
	} {
		dst := []byte("before")
		got, err := c.decoder.Append(dst, c.frame, c.limit)
		if !errors.Is(err, assay.ErrCorrupt) || string(got) != "before" {
			t.Errorf("%s: returns %q, error %v", name, got, err)
		}
	}
}

// hardRecords are records of sizes and contents at the bounds of the format.
func hardRecords() (out [][]byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := []int{0, 1, 2, 7, 8, 9, 20, 31, 32, 63, 64, 127, 128, 255, 256, 257, 1023, 1024, 4095, 4096, 16383, 16384,
		65535, 65536, 65791, 65792, 131071, 131072, 131073, 1 << 20}
	for _, n := range sizes {
		random, few, same := make([]byte, n), make([]byte, n), make([]byte, n)
		for i := range n {
			random[i], few[i] = byte(rng.Uint32()), "abcdefgh"[rng.IntN(1+rng.IntN(8))]
		}
		out = append(out, random, few, same)
	}
	return out
}

// TestWorstCase: a frame is at most 20 bytes longer than what it holds, and three
// for every 64 KiB, and
// comes back.
func TestWorstCase(t *testing.T) {
	t.Parallel()
	d := loadRecords(t).dictionaries["decision"]
	decoder := newDecoder(t, d, nil)
	for i, record := range hardRecords() {
		for _, d := range []*Dictionary{d, nil} {
			frame := d.Append(nil, record)
			if n := len(frame) - len(record); n > 20+3*(len(record)>>16) {
				t.Errorf("record %d of %d bytes became %d bytes longer", i, len(record), n)
			}
			got, err := decoder.Append(nil, frame, len(record))
			if err != nil || !bytes.Equal(got, record) {
				t.Errorf("record %d of %d bytes is read as %d bytes, error %v", i, len(record), len(got), err)
			}
		}
	}
}
