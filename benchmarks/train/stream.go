// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/usage"
	"github.com/assayrisk/assay/models/gbdt"
)

// measureStream prints the memory that training needs when the table is never in
// memory as a whole: with the library, on chunks that are made when it asks for
// them, and with the command `assay train --stream` on a Parquet file, of which
// the whole process counts.
func measureStream(ctx context.Context, rows, features, threads int, dir string) error {
	cells := float64(rows) * float64(features)
	perCell := func(name string, mb float64) {
		fmt.Println(figure.One("BYTES", name+"_per_cell", mb*(1<<20)/cells))
	}
	p := gbdt.DefaultParams()
	p.NumThreads = threads
	start := time.Now()
	bins, err := gbdt.BinChunks(ctx, rows, hashedChunks(rows, features), p)
	if err != nil {
		return err
	}
	binned, peakBinned := time.Since(start), usage.PeakMiB()
	p.NumIterations, p.NumLeaves = 1, 63
	start = time.Now()
	if _, err := bins.Train(ctx, p, gbdt.Options{}); err != nil {
		return err
	}
	fmt.Printf("%d x %d: two passes %.1f s, peak %.0f MB; with a tree (%.1f s) %.0f MB; raw values would be %.0f MB\n",
		rows, features, binned.Seconds(), peakBinned, time.Since(start).Seconds(), usage.PeakMiB(), cells*8/(1<<20))
	perCell("train_stream_binned", peakBinned)
	perCell("train_stream_grown", usage.PeakMiB())
	bins = nil
	debug.FreeOSMemory()

	file := filepath.Join(dir, fmt.Sprintf("stream-%d-%d.parquet", rows, features))
	if _, err := os.Stat(file); err != nil {
		if err := writeParquet(file, rows, features); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp("", "assay-bench-stream-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	assay, err := daemon.Build(ctx, tmp, "./cmd/assay")
	if err != nil {
		return err
	}
	start = time.Now()
	c := exec.CommandContext(ctx, assay, "train", "--stream", "--data", file, "--out", filepath.Join(tmp, "bundle"),
		"--params", fmt.Sprintf("num_iterations=10,num_leaves=63,num_threads=%d", threads))
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("assay train --stream: %w", err)
	}
	mb := float64(c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
	if own := usage.PeakMiB(); mb <= own { // the count starts at this process's memory: see package usage
		fmt.Printf("# the peak of assay train --stream is hidden by this process's own %.0f MB\n", own)
		return nil
	}
	fmt.Printf("assay train --stream, %d x %d: %.1f s with ten trees, peak %.0f MB\n", rows, features,
		time.Since(start).Seconds(), mb)
	fmt.Println(figure.One("MB", "train_stream_command_peak", mb))
	perCell("train_stream_command", mb)
	return nil
}

// writeParquet writes the table of hashedChunks as float32 numbers, a million
// rows per row group.
func writeParquet(path string, rows, features int) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path+".part")) }()
	var fields []arrow.Field
	for j := range features {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("x%d", j), Type: arrow.PrimitiveTypes.Float32})
	}
	fields = append(fields, arrow.Field{Name: "target", Type: arrow.PrimitiveTypes.Int8})
	schema := arrow.NewSchema(fields, nil)
	w, err := pqarrow.NewFileWriter(schema, f,
		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy),
			parquet.WithDictionaryDefault(false)), pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	at := 0
	for d, err := range hashedChunks(rows, features) {
		if err != nil {
			return err
		}
		if at%(1<<20) == 0 {
			w.NewBufferedRowGroup()
		}
		for j, c := range d.Columns {
			for _, v := range c {
				b.Field(j).(*array.Float32Builder).Append(float32(v))
			}
		}
		for _, y := range d.Label {
			b.Field(features).(*array.Int8Builder).Append(int8(y))
		}
		rec := b.NewRecord()
		err := w.WriteBuffered(rec)
		rec.Release()
		if err != nil {
			return err
		}
		at += d.Rows()
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.Link(path+".part", path)
}

// hashedChunks makes the same table each time it is ranged over: every value is a
// hash of its row and column.
func hashedChunks(rows, features int) iter.Seq2[*gbdt.Dataset, error] {
	const size = 65536
	return func(yield func(*gbdt.Dataset, error) bool) {
		d := &gbdt.Dataset{Columns: make([][]float64, features)}
		for j := range d.Columns {
			d.Columns[j] = make([]float64, size)
		}
		d.Label = make([]float64, size)
		for at := 0; at < rows; at += size {
			n := min(size, rows-at)
			chunk := &gbdt.Dataset{Columns: make([][]float64, features), Label: d.Label[:n]}
			for i := range n {
				d.Label[i] = 0
			}
			for j, c := range d.Columns {
				chunk.Columns[j] = c[:n]
				for i := range n {
					h := uint64(at+i)*0x9E3779B97F4A7C15 + uint64(j)*0xBF58476D1CE4E5B9
					h = (h ^ h>>31) * 0x94D049BB133111EB
					h ^= h >> 30
					c[i] = float64(h>>11) * math.Ldexp(1, -53)
					if j == 0 && c[i] > 0.8 {
						d.Label[i] = 1
					}
				}
			}
			if !yield(chunk, nil) {
				return
			}
		}
	}
}
