// SPDX-License-Identifier: Apache-2.0

// Startup measures how long a server takes from its start until it accepts
// requests, as its journal grows: it opens the journal, and restores acts and
// windows. At the first size it also audits the journal: every decision is made
// again from its records and compared bit for bit. It takes ten minutes and prints
//
//	S startup_<decisions>_ready     a start with so many decisions (100k, 1m), until requests are accepted
//	S startup_<decisions>_journal   opening the journal, which is a part of it
//	MB startup_<decisions>_memory   memory of the process that the server holds after it
//	COUNT startup_<decisions>_files files in the journal's directory, the log's included
//	BYTES startup_<decisions>_disk  disk a decision, for all of them: records, store, log, snapshots
//	RATE audit_decisions            decisions a second that the audit makes again
//
//	go run ./benchmarks/startup                    with 100,000 and with 1,000,000 decisions
//	go run ./benchmarks/startup -decisions 20000   with another number
//
// The server itself makes the decisions, in batches over gRPC: 24 fields and 40
// features, 16 of them of windows over 10,000 buyers, 1,000 sellers, and the million
// pairs of them that occur: from a few million decisions on, a million live keys. Each
// start is a new server in this process; files are in the page cache.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/audit"
)

type options struct {
	dir       string
	decisions string
	runs      int
	profile   string
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "directory for the journal (default: a temporary one)")
	flag.StringVar(&o.decisions, "decisions", "100000,1000000", "comma-separated sizes of the journal, rising")
	flag.IntVar(&o.runs, "runs", 3, "starts at each size; medians are printed")
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of the starts to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "bench-startup-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	b, err := bundle(ctx)
	if err != nil {
		return err
	}
	have := 0
	for i, text := range strings.Split(o.decisions, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n <= have {
			return fmt.Errorf("-decisions %s: want rising numbers, separated by commas", o.decisions)
		}
		began := time.Now()
		if err := makeDecisions(ctx, o.dir, b, have, n); err != nil {
			return err
		}
		fmt.Printf("%d decisions made in %.0f s\n", n-have, time.Since(began).Seconds())
		have = n
		if err := timeStarts(ctx, o, b, n); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		if err := measureAudit(ctx, o, b, n); err != nil {
			return err
		}
	}
	return nil
}

// measureAudit has the audit make all n decisions again.
func measureAudit(ctx context.Context, o options, b *models.Bundle, n int) error {
	var rates []float64
	for range o.runs {
		a, err := audit.New([]*models.Bundle{b})
		if err != nil {
			return err
		}
		j, err := journal.Open(ctx, filepath.Join(o.dir, "node"), journal.Config{})
		if err != nil {
			return err
		}
		began := time.Now()
		rep, err := a.Run(ctx, j, 0, audit.All, nil)
		rates = append(rates, float64(n)/time.Since(began).Seconds())
		if err := errors.Join(err, j.Close()); err != nil {
			return err
		}
		if !rep.OK() || rep.Same != n {
			return fmt.Errorf("the audit finds %d of %d decisions the same, and %d records that differ",
				rep.Same, n, rep.Different)
		}
	}
	fmt.Println(figure.Of("RATE", "audit_decisions", rates))
	return nil
}

// timeStarts starts a server again and again.
func timeStarts(ctx context.Context, o options, b *models.Bundle, n int) error {
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var opens, all, memory []float64
	for range o.runs {
		runtime.GC()
		began := time.Now()
		s, err := startServer(ctx, o.dir, b)
		if err != nil {
			return err
		}
		all = append(all, time.Since(began).Seconds())
		opens = append(opens, s.opened.Seconds())
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		memory = append(memory, float64(m.HeapInuse+m.StackInuse)/1e6)
		if err := s.close(); err != nil {
			return err
		}
	}
	files, size, err := diskUse(filepath.Join(o.dir, "node"))
	if err != nil {
		return err
	}
	fmt.Println(figure.Of("MB", "startup_"+sizeName(n)+"_memory", memory))
	fmt.Println(figure.One("COUNT", "startup_"+sizeName(n)+"_files", float64(files)))
	fmt.Println(figure.One("BYTES", "startup_"+sizeName(n)+"_disk", float64(size)/float64(n)))
	fmt.Println(figure.Of("S", "startup_"+sizeName(n)+"_ready", all))
	fmt.Println(figure.Of("S", "startup_"+sizeName(n)+"_journal", opens))
	return nil
}

// diskUse counts the files below a directory and their bytes, without the record file that is made in advance.
func diskUse(dir string) (files int, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "spare" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files, size = files+1, size+info.Size()
		return nil
	})
	return files, size, err
}

// sizeName writes 100000 as 100k and 1000000 as 1m.
func sizeName(n int) string {
	switch {
	case n%1_000_000 == 0:
		return fmt.Sprintf("%dm", n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%dk", n/1000)
	}
	return strconv.Itoa(n)
}

// runningServer is an open journal and a server that is ready for requests.
type runningServer struct {
	journal *journal.Journal
	server  *serving.Server
	opened  time.Duration // how long opening the journal took
	stop    context.CancelFunc
	done    chan error
}

func startServer(ctx context.Context, dir string, b *models.Bundle) (*runningServer, error) {
	began := time.Now()
	j, err := journal.Open(ctx, filepath.Join(dir, "node"), journal.Config{})
	if err != nil {
		return nil, err
	}
	s := &runningServer{journal: j, opened: time.Since(began), done: make(chan error, 1)}
	jctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() { s.done <- j.Run(jctx) }()
	if s.server, err = serving.New(serving.Config{Bundle: b, Journal: j, MaxInFlight: 1 << 20}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *runningServer) close() error {
	s.stop()
	return errors.Join(<-s.done, s.journal.Close())
}

// batch is how many decisions one call asks for.
const batch = 500

// makeDecisions asks a running server for the decisions from number from to n.
func makeDecisions(ctx context.Context, dir string, b *models.Bundle, from, n int) (err error) {
	s, err := startServer(ctx, dir, b)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.server.Run(sctx, l) }()
	defer func() { stop(); err = errors.Join(err, <-served) }()
	c, err := assayclient.Dial(l.Addr().String(), assayclient.Config{})
	if err != nil {
		return err
	}
	defer c.Close()
	for i := from; i < n; i += batch {
		rows := make([]assayclient.Request, 0, batch)
		for k := i; k < min(i+batch, n); k++ {
			ev := application(k)
			rows = append(rows, assayclient.Request{ID: ev.ID, Event: ev})
		}
		out, err := c.ScoreBatch(ctx, rows)
		if err != nil {
			return err
		}
		for _, r := range out {
			if r.Err != nil {
				return r.Err
			}
		}
	}
	return nil
}
