// SPDX-License-Identifier: Apache-2.0

// Ledger measures the journal beside the least that any durable log must do.
//
//	go run ./benchmarks/ledger [-seconds 3] [-rounds 3] [-dir D] [-cpuprofile F]
//	go run ./benchmarks/ledger -sustain 5m [-rate 10000] [-anchor 10s]
//
// It alternates, in one run and on one disk, between a raw group commit (bytes
// appended to one file, one fdatasync a group, nothing else) and the journal
// (commitments, sealing, index, promise, the log fed behind it), both with the
// same stored bytes a record, and prints lines "RATIO name value" of the median
// rounds, with the offline verification time and sizes. In a burst the log gives
// way to the appends; the figures "all_in" count the time, and the processor
// time, until it holds all of them. With -sustain it appends at a rate instead,
// with the log and the embedded chain's anchors behind it, and prints how far
// they lag.
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

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
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
	if *long > 0 {
		tmp, err := os.MkdirTemp(*dir, "assay-ledger-")
		if err == nil {
			err = errors.Join(sustain(ctx, tmp, *long, *rate, 256, *every), os.RemoveAll(tmp))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "ledger:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *dir, *rounds, time.Duration(*seconds*float64(time.Second)), *profile); err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, rounds int, length time.Duration, profile string) error {
	tmp, err := os.MkdirTemp(dir, "assay-ledger-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	size, err := storedSize(ctx, filepath.Join(tmp, "size"))
	if err != nil {
		return err
	}
	fmt.Printf("stored record %d bytes\n", size)
	for _, workers := range []int{1, 64, 256} {
		var raw, pre, jour, all, allCPU []float64
		for round := range rounds {
			for _, prealloc := range []bool{false, true} {
				r, err := measureRaw(filepath.Join(tmp, "raw"), size, workers, length, prealloc)
				if err != nil {
					return err
				}
				fmt.Printf("w%-3d round %d raw prealloc=%-5v %s\n", workers, round, prealloc, r)
				if prealloc {
					pre = append(pre, r.rate)
				} else {
					raw = append(raw, r.rate)
				}
			}
			stop := func() {}
			if workers == 256 && profile != "" {
				if stop, err = startProfile(profile); err != nil {
					return err
				}
			}
			r, err := measureJournal(ctx, filepath.Join(tmp, fmt.Sprintf("j%d-%d", workers, round)), workers, length)
			stop()
			if err != nil {
				return err
			}
			fmt.Printf("w%-3d round %d journal            %s\n", workers, round, r)
			jour, all, allCPU = append(jour, r.rate), append(all, r.allIn),
				append(allCPU, float64(r.allInCPU)/float64(time.Microsecond))
		}
		fmt.Println(figure.Over(fmt.Sprintf("journal_append_vs_raw_fdatasync_w%d", workers), jour, raw))
		fmt.Println(figure.Over(fmt.Sprintf("journal_append_vs_raw_preallocated_fdatasync_w%d", workers), jour, pre))
		if workers > 1 {
			fmt.Println(figure.Of("RATE", fmt.Sprintf("journal_append_all_in_w%d", workers), all))
			fmt.Println(figure.Of("US", fmt.Sprintf("journal_append_cpu_all_in_w%d", workers), allCPU))
		}
	}
	return receipts(ctx, filepath.Join(tmp, "receipts"))
}

// result of one measurement.
type result struct {
	rate          float64 // appends a second
	p50, p99, max time.Duration
	cpu           time.Duration // processor time an append, of all threads, the load's own included
	took          time.Duration

	// Of the journal only: what was put off until after the window is counted.
	lag      time.Duration // from the last append until the log held all of them
	allIn    float64       // appends a second until then
	allInCPU time.Duration // processor time an append until then
}

func (r result) String() string {
	s := fmt.Sprintf("%9.0f/s p50 %v p99 %v max %v cpu %v", r.rate, r.p50.Round(time.Microsecond),
		r.p99.Round(time.Microsecond), r.max.Round(time.Microsecond), r.cpu)
	if r.lag > 0 {
		s += fmt.Sprintf(", behind at the end: published after %v; all in %.0f/s, cpu %v",
			r.lag.Round(time.Millisecond), r.allIn, r.allInCPU)
	}
	return s
}

// load runs workers goroutines of one append after the other.
func load(workers int, length time.Duration, appendOne func() error) (result, error) {
	lat := make([][]time.Duration, workers)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	begin, used := time.Now(), cpu()
	for w := range workers {
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
	return summary(lat, errs, time.Since(begin), cpu()-used)
}

// summary is the result of writers that ran for a time.
func summary(lat [][]time.Duration, errs []error, took, used time.Duration) (result, error) {
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

// record is an ordinary decision: 40 features, a few rules and reasons.
func record(seq uint64) *journal.Record {
	x := assay.Vector{Plan: assay.Sum("plan\n"), Values: make([]float64, 40)}
	for i := range x.Values {
		x.Values[i] = float64(seq%1000) * 0.37
	}
	d := assay.Decision{
		Version: 1, Sequence: seq, RequestID: fmt.Sprintf("request-%016d", seq),
		EventID: fmt.Sprintf("event-%016d", seq),
		Micros:  1_700_000_000_000_000 + int64(seq), Outcome: assay.Approve,
		Score: assay.Score{Model: assay.Sum("model\n"), Margin: -1.5, PD: 0.18, Points: 612, Grade: "B"},
		Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(), Rules: []string{"cut-off"},
	}
	b, err := d.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return &journal.Record{
		Kind: ledger.Decision, Micros: d.Micros, Subject: fmt.Sprintf("buyer-%d", seq%20_000), Caller: "platform",
		RequestID: d.RequestID,
		Body:      assay.Sum("b\n"), Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
		Decision: b, Vector: x.AppendBinary(nil), Private: make([]byte, 400),
	}
}

// startProfile writes a CPU profile until stop is called.
func startProfile(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
