// SPDX-License-Identifier: Apache-2.0

// Ledger compares the journal with the least that any durable log must do.
//
//	go run ./benchmarks/ledger [-seconds 3] [-rounds 3] [-dir D] [-cpuprofile F]
//	go run ./benchmarks/ledger -sustain 5m [-rate 10000] [-anchor 10s]
//
// In one run and on one disk it alternates between a raw group commit (bytes
// appended to one file, one fdatasync per group, nothing else) and the journal
// (commitments, sealing, index, promise, and the log that follows), both with the
// same number of stored bytes per record, from 1, 64 and 256 writers. With the
// default times it takes two minutes, and prints
//
//	RATIO journal_append_vs_raw_fdatasync_w<writers>               our appends a second over the raw log's
//	RATIO journal_append_vs_raw_preallocated_fdatasync_w<writers>  the same against a preallocated file
//	RATE journal_append_all_in_w<writers>     appends a second until the log holds all of them
//	US journal_append_cpu_all_in_w<writers>   processor time per append until then
//	BYTES receipt_bytes, US receipt_make, US receipt_check        one receipt: size, making, checking offline
//	BYTES disk_journal_a_decision, disk_log_a_decision            disk per decision
//
// The "all in" figures are there because in a burst the log waits for the appends.
//
// With -sustain it appends at a fixed rate instead, while the log and the embedded
// chain's anchors follow, and prints how far they lag: sustain_* (sustain.go).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

func main() {
	seconds := flag.Float64("seconds", 3, "length of one measurement")
	rounds := flag.Int("rounds", 3, "how often the two sides alternate")
	dir := flag.String("dir", "", "directory on the disk to measure (default: a temporary one)")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the appends of 256 writers to this file")
	long := flag.Duration("sustain", 0,
		"append at a fixed rate for this long, with log and anchors, and measure only that")
	rate := flag.Int("rate", 10_000, "appends a second with -sustain")
	every := flag.Duration("anchor", 10*time.Second, "time between anchors with -sustain")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	tmp, err := os.MkdirTemp(*dir, "assay-ledger-")
	if err == nil {
		if *long > 0 {
			err = sustain(ctx, tmp, *long, *rate, 256, *every)
		} else {
			err = run(ctx, tmp, *rounds, time.Duration(*seconds*float64(time.Second)), *profile)
		}
		err = errors.Join(err, os.RemoveAll(tmp))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, rounds int, length time.Duration, profile string) error {
	size, err := storedSize(ctx, filepath.Join(dir, "size"))
	if err != nil {
		return err
	}
	fmt.Printf("stored record %d bytes\n", size)
	for _, writers := range []int{1, 64, 256} {
		ofWriters := profile
		if writers != 256 {
			ofWriters = ""
		}
		if err := compareWithRaw(ctx, dir, size, rounds, writers, length, ofWriters); err != nil {
			return err
		}
	}
	return measureReceipts(ctx, filepath.Join(dir, "receipts"))
}

// compareWithRaw measures the raw log, the raw log in a preallocated file and the
// journal in turn, and prints the figures of so many writers.
func compareWithRaw(ctx context.Context, dir string, size, rounds, writers int, length time.Duration,
	profile string) error {
	var raw, preallocated, appends, allIn, allInCPU []float64
	for round := range rounds {
		for _, prealloc := range []bool{false, true} {
			r, err := measureRaw(filepath.Join(dir, "raw"), size, writers, length, prealloc)
			if err != nil {
				return err
			}
			fmt.Printf("w%-3d round %d raw prealloc=%-5v %s\n", writers, round, prealloc, r)
			if prealloc {
				preallocated = append(preallocated, r.rate)
			} else {
				raw = append(raw, r.rate)
			}
		}
		stop, err := startProfile(profile)
		if err != nil {
			return err
		}
		r, err := measureJournal(ctx, filepath.Join(dir, fmt.Sprintf("j%d-%d", writers, round)), writers, length)
		stop()
		if err != nil {
			return err
		}
		fmt.Printf("w%-3d round %d journal            %s\n", writers, round, r)
		appends, allIn = append(appends, r.rate), append(allIn, r.allInRate)
		allInCPU = append(allInCPU, float64(r.allInCPU)/float64(time.Microsecond))
	}
	fmt.Println(figure.Over(fmt.Sprintf("journal_append_vs_raw_fdatasync_w%d", writers), appends, raw))
	fmt.Println(figure.Over(fmt.Sprintf("journal_append_vs_raw_preallocated_fdatasync_w%d", writers), appends,
		preallocated))
	if writers > 1 {
		fmt.Println(figure.Of("RATE", fmt.Sprintf("journal_append_all_in_w%d", writers), allIn))
		fmt.Println(figure.Of("US", fmt.Sprintf("journal_append_cpu_all_in_w%d", writers), allInCPU))
	}
	return nil
}

// result is that of one measurement.
type result struct {
	rate          float64 // appends a second
	p50, p99, max time.Duration
	cpu           time.Duration // processor time per append, of all threads, the writers' included
	took          time.Duration

	// Only for the journal: with the work that was put off until the appends were done.
	lag       time.Duration // from the last append until the log held all of them
	allInRate float64       // appends a second until then
	allInCPU  time.Duration // processor time per append until then
}

func (r result) String() string {
	s := fmt.Sprintf("%9.0f/s p50 %v p99 %v max %v cpu %v", r.rate, r.p50.Round(time.Microsecond),
		r.p99.Round(time.Microsecond), r.max.Round(time.Microsecond), r.cpu)
	if r.lag > 0 {
		s += fmt.Sprintf("; all published %v later: %.0f/s until then, cpu %v", r.lag.Round(time.Millisecond),
			r.allInRate, r.allInCPU)
	}
	return s
}

// runWriters runs goroutines that each make one append after another.
func runWriters(writers int, length time.Duration, appendOne func() error) (result, error) {
	lat := make([][]time.Duration, writers)
	errs := make([]error, writers)
	var wg sync.WaitGroup
	begin, used := time.Now(), cpu()
	for w := range writers {
		wg.Go(func() {
			for time.Since(begin) < length {
				t := time.Now()
				if errs[w] = appendOne(); errs[w] != nil {
					return
				}
				lat[w] = append(lat[w], time.Since(t))
			}
		})
	}
	wg.Wait()
	return summarize(lat, errs, time.Since(begin), cpu()-used)
}

// summarize is the result of writers, from their latencies.
func summarize(lat [][]time.Duration, errs []error, took, used time.Duration) (result, error) {
	if err := errors.Join(errs...); err != nil {
		return result{}, err
	}
	all := slices.Concat(lat...)
	slices.Sort(all)
	return result{took: took, rate: float64(len(all)) / took.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100],
		max: all[len(all)-1], cpu: used / time.Duration(len(all))}, nil
}

// cpu returns the processor time that this process has used.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// startProfile writes a CPU profile until stop is called; none if path is empty.
func startProfile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

func discardLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }
