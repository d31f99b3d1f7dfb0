// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"testing"
	"time"
)

// BenchmarkRecords compresses and reads records by this package and by
// klauspost/compress, with the same dictionary, by turns of ten records. It states
// the least time for each ten, in nanoseconds a record, and bytes a record.
func BenchmarkRecords(b *testing.B) {
	r := loadRecords(b)
	for _, kind := range recordKinds {
		d, records := r.dictionaries[kind], r.records[kind][:200]
		decoder := newDecoder(b, d)
		var frames, twins [][]byte
		before, after, twin := 0, 0, 0
		for _, record := range records {
			frames = append(frames, d.Append(nil, record))
			twins = append(twins, d.general.EncodeAll(record, nil))
			before, after, twin = before+len(record), after+len(frames[len(frames)-1]), twin+len(twins[len(twins)-1])
		}
		dst := make([]byte, 0, 1<<16)
		work := []struct {
			name string
			in   [][]byte
			do   func(in []byte) error
		}{
			{"encode-ns", records, func(in []byte) error { dst = d.Append(dst[:0], in); return nil }},
			{"klauspost-encode-ns", records, func(in []byte) error {
				dst = d.general.EncodeAll(in, dst[:0])
				return nil
			}},
			{"decode-ns", frames, func(in []byte) (err error) {
				dst, err = decoder.Append(dst[:0], in, maxRecordBytes)
				return err
			}},
			{"klauspost-decode-ns", twins, func(in []byte) (err error) {
				dst, err = decoder.frames.DecodeAll(in, dst[:0])
				return err
			}},
		}
		b.Run(kind, func(b *testing.B) {
			const turn = 10
			least := make([][200 / turn]time.Duration, len(work))
			for b.Loop() {
				for i := range least[0] {
					for j, w := range work {
						start := time.Now()
						for _, in := range w.in[i*turn : (i+1)*turn] {
							if err := w.do(in); err != nil {
								b.Fatal(err)
							}
						}
						if took := time.Since(start); least[j][i] == 0 || took < least[j][i] {
							least[j][i] = took
						}
					}
				}
			}
			for j, w := range work {
				var sum time.Duration
				for _, took := range least[j] {
					sum += took
				}
				b.ReportMetric(float64(sum)/float64(len(records)), w.name)
			}
			for name, n := range map[string]int{"before-bytes": before, "bytes": after, "klauspost-bytes": twin} {
				b.ReportMetric(float64(n)/float64(len(records)), name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkEncode and BenchmarkDecode are for profiles.
func BenchmarkEncode(b *testing.B) {
	d, records := benchmarkRecords(b)
	var dst []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		dst = d.Append(dst[:0], records[i%len(records)])
	}
}

func BenchmarkDecode(b *testing.B) {
	d, records := benchmarkRecords(b)
	decoder := newDecoder(b, d)
	for i, record := range records {
		records[i] = d.Append(nil, record)
	}
	var dst []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var err error
		if dst, err = decoder.Append(dst[:0], records[i%len(records)], maxRecordBytes); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkRecords(b *testing.B) (*Dictionary, [][]byte) {
	r := loadRecords(b)
	return r.dictionaries["decision"], append([][]byte(nil), r.records["decision"]...)
}
