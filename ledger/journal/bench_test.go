// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkAppend appends from 256 goroutines a processor.
func BenchmarkAppend(b *testing.B) {
	j, _ := start(b, b.TempDir(), Config{Interval: 3600e9})
	recs := make([]*Record, 1024)
	for i := range recs {
		recs[i] = decision(uint64(i), fmt.Sprintf("subject-%d", i))
		recs[i].Private = make([]byte, 400)
	}
	b.SetParallelism(128)
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			seq := j.Take()
			if _, err := j.Append(b.Context(), seq, recs[seq%1024]); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op")
}

// processorTime returns the processor time that this process has used, in nanoseconds.
func processorTime() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkPrepare(b *testing.B) {
	j, _ := start(b, b.TempDir(), Config{})
	r := decision(0, "s")
	r.Private = make([]byte, 400)
	e := entryPool.Get().(*entry)
	b.ReportAllocs()
	for b.Loop() {
		if err := j.prepare(e, 7, r); err != nil {
			b.Fatal(err)
		}
	}
}
