// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/assayrisk/assay"
)

// changedRecords are n records with bytes changed, left out, repeated and exchanged.
func changedRecords(records [][]byte, n int) [][]byte {
	rng := rand.New(rand.NewPCG(7, 7))
	out := make([][]byte, n)
	for i := range out {
		b := slices.Clone(records[rng.IntN(len(records))])
		for range rng.IntN(8) {
			from, to := rng.IntN(len(b)+1), rng.IntN(len(b)+1)
			from, to = min(from, to), max(from, to)
			other := records[rng.IntN(len(records))]
			switch rng.IntN(4) {
			case 0:
				b = slices.Delete(b, from, to)
			case 1:
				b = slices.Insert(b, to, b[from:to]...)
			case 2:
				b = slices.Insert(b, from, other[:rng.IntN(len(other)+1)]...)
			case 3:
				for range 1 + len(b)/20 {
					if len(b) > 0 {
						b[rng.IntN(len(b))] ^= byte(1 << rng.IntN(8))
					}
				}
			}
		}
		out[i] = b[:min(len(b), maxRecordBytes)]
	}
	return out
}

// readTwice reads the frame of a record by the decoder of records, which must take
// it, and by klauspost's. An encoder that compressed other records before makes the
// same frame as a new one.
func readTwice(t *testing.T, d *Dictionary, decoder *Decoder, record []byte) {
	t.Helper()
	frame := d.Append([]byte("x"), record)[1:]
	if len(frame) > len(record)+20 {
		t.Errorf("%d bytes became %d", len(record), len(frame))
	}
	if again := newRecordEncoder(d).frame(record); !bytes.Equal(again, frame) {
		t.Errorf("a new encoder makes %x, another %x", again, frame)
	}
	slow, err := decoder.appendAny(nil, frame, len(record))
	if err != nil || !bytes.Equal(slow, record) {
		t.Fatalf("klauspost reads %x as %x, error %v; want %x", frame, slow, err, record)
	}
	f, ok := parseRecordFrame(frame)
	if !ok {
		t.Fatalf("%x has another head", frame)
	}
	fast, ok := newRecordDecoder(d).read([]byte("x"), &f)
	if !ok || !bytes.Equal(fast[1:], record) {
		t.Fatalf("the decoder of records reads %x as %x, %v; want %x", frame, fast, ok, record)
	}
}

// TestTwins: what the encoder of records writes is read alike by two decoders.
func TestTwins(t *testing.T) {
	t.Parallel()
	r := loadRecords(t)
	for _, kind := range recordKinds {
		d := r.dictionaries[kind]
		decoder := newDecoder(t, d)
		for _, record := range slices.Concat(r.records[kind], hardRecords(), changedRecords(r.records[kind], 2000)) {
			if len(record) <= maxRecordBytes {
				readTwice(t, d, decoder, record)
			}
		}
	}
}

// TestFullWindow: records and contents of the greatest size do not reach beyond the
// window.
func TestFullWindow(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	content := make([]byte, 2*maxContentBytes)
	for i := range content {
		content[i] = byte(rng.Uint32())
	}
	d, err := Make([][]byte{content, content})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.content) != maxContentBytes {
		t.Fatalf("%d bytes of content", len(d.content))
	}
	decoder := newDecoder(t, d)
	for tail := range 40 {
		record := make([]byte, maxRecordBytes)
		for i := range record {
			record[i] = byte(rng.Uint32())
		}
		copy(record, content[:100])
		copy(record[len(record)-tail:], content[300:])
		copy(record[len(record)-9-2*tail:], content[500:500+tail])
		readTwice(t, d, decoder, record)
		readTwice(t, d, decoder, content[:maxRecordBytes-tail])
	}
	readTwice(t, d, decoder, content[:50])
}

// TestDamage changes every bit of frames, and cuts them: both decoders read the same,
// or refuse.
func TestDamage(t *testing.T) {
	t.Parallel()
	r := loadRecords(t)
	for _, kind := range recordKinds {
		d := r.dictionaries[kind]
		decoder := newDecoder(t, d)
		check := func(frame []byte) {
			got, err := decoder.Append(nil, frame, 4000)
			slow, slowErr := decoder.appendAny(nil, frame, 4000)
			if !bytes.Equal(got, slow) || (err == nil) != (slowErr == nil) {
				t.Fatalf("reads %x as %x, error %v; klauspost as %x, error %v", frame, got, err, slow, slowErr)
			}
		}
		for _, record := range changedRecords(r.records[kind], 10) {
			frame := d.Append(nil, record)
			for bit := range 8 * len(frame) {
				frame[bit/8] ^= 1 << (bit % 8)
				check(frame)
				frame[bit/8] ^= 1 << (bit % 8)
			}
			for n := range frame {
				check(frame[:n])
			}
		}
	}
}

// TestConcurrentUse compresses and reads from many goroutines, without garbage.
func TestConcurrentUse(t *testing.T) {
	r := loadRecords(t)
	d := r.dictionaries["decision"]
	decoder := newDecoder(t, d)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for _, record := range r.records["decision"] {
				got, err := decoder.Append(nil, d.Append(nil, record), len(record))
				if err != nil || !bytes.Equal(got, record) {
					t.Errorf("reads %x, error %v; want %x", got, err, record)
				}
			}
		})
	}
	wait.Wait()
	record, frame, back := r.records["decision"][0], make([]byte, 0, 4000), make([]byte, 0, 4000)
	allocations := testing.AllocsPerRun(1000, func() {
		frame = d.Append(frame[:0], record)
		back, _ = decoder.Append(back[:0], frame, 4000)
	})
	if allocations >= 1 { // a collection empties the pools
		t.Errorf("%v allocations a record", allocations)
	}
}

// FuzzRecord: every record comes back by both decoders.
func FuzzRecord(f *testing.F) {
	r := loadRecords(f)
	for _, kind := range recordKinds {
		for _, record := range r.records[kind][:5] {
			f.Add(record)
		}
	}
	f.Add(bytes.Repeat([]byte("ab"), 200))
	d := r.dictionaries["decision"]
	decoder := newDecoder(f, d)
	f.Fuzz(func(t *testing.T, record []byte) {
		if len(record) <= maxRecordBytes {
			readTwice(t, d, decoder, record)
		}
	})
}

// FuzzDecoder: no bytes make the decoder panic or write more than the limit, and
// what the decoder of records reads, klauspost's reads alike.
func FuzzDecoder(f *testing.F) {
	r := loadRecords(f)
	d := r.dictionaries["decision"]
	for _, record := range r.records["decision"][:10] {
		f.Add(d.Append(nil, record))
		f.Add((*Dictionary)(nil).Append(nil, record))
	}
	decoder := newDecoder(f, d)
	f.Fuzz(func(t *testing.T, frame []byte) {
		const limit = 4000
		got, err := decoder.Append([]byte("before"), frame, limit)
		if err != nil && (!errors.Is(err, assay.ErrCorrupt) || string(got) != "before") || len(got) > limit+6 {
			t.Errorf("returns %d bytes, error %v", len(got), err)
		}
		slow, slowErr := decoder.appendAny([]byte("before"), frame, limit)
		if !bytes.Equal(got, slow) || (err == nil) != (slowErr == nil) {
			t.Errorf("reads %x, error %v; klauspost %x, error %v", got, err, slow, slowErr)
		}
	})
}

// foreignDictionary is one that klauspost/compress makes, with the id that Parse wants.
func foreignDictionary(t testing.TB, samples [][]byte) []byte {
	t.Helper()
	b, err := zstd.BuildDict(zstd.BuildDictOptions{ID: 1, Contents: samples, History: slices.Concat(samples[:3]...)})
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[4:], idOf(digestOf(b)))
	return b
}

// TestForeignDictionary: a dictionary of another maker compresses.
func TestForeignDictionary(t *testing.T) {
	t.Parallel()
	r := loadRecords(t)
	d, err := Parse(foreignDictionary(t, r.samples[:100]))
	if err != nil || d.tables != nil {
		t.Fatalf("read as one that Make makes, or error %v", err)
	}
	record := r.records["decision"][0]
	frame := d.Append(nil, record)
	got, err := newDecoder(t, d, r.dictionaries["decision"]).Append(nil, frame, len(record))
	if err != nil || !bytes.Equal(got, record) || len(frame) > len(record)*2/3 {
		t.Errorf("%d bytes are read as %x, error %v; want %x", len(frame), got, err, record)
	}
}

// FuzzParse: no bytes make Parse panic, and a dictionary that it takes compresses
// records, which both decoders read.
func FuzzParse(f *testing.F) {
	r := loadRecords(f)
	for _, kind := range recordKinds {
		f.Add(r.dictionaries[kind].Bytes())
	}
	f.Add(foreignDictionary(f, r.samples[:100]))
	record := r.records["decision"][0]
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= idBytes {
			binary.LittleEndian.PutUint32(b[4:], idOf(digestOf(b)))
		}
		d, err := Parse(b)
		if err != nil {
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Errorf("error %v", err)
			}
			return
		}
		decoder := newDecoder(t, d)
		if d.tables != nil {
			readTwice(t, d, decoder, record)
		} else if got, err := decoder.Append(nil, d.Append(nil, record), len(record)); err != nil ||
			!bytes.Equal(got, record) {
			t.Errorf("reads %x, error %v; want %x", got, err, record)
		}
	})
}
