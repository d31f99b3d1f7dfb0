// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assayrisk/assay/cmd/internal/scripttest"
	"github.com/assayrisk/assay/internal/version"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

// TestScripts runs the command lines of testdata/script: which status each ends
// with, and what it says. Commands of ours in them:
//
//	exits STATUS COMMAND...             runs a command, which must end with that status
//	lines N FILE                        the file has that many lines
//	repeat TIMES FILE                   repeats the rows of a table
//	table ROWS FILE HEADER ROW          writes a table: # is a row's number, %N that modulo N
//	loans ROWS FILE                     writes a table of made-up loans
//	shop LABEL                          writes plan.yaml and log.csv, an event log of a small shop
//	serve BUNDLE DIR N                  has a server decide N loans and stop; receipts are in DIR/receipts
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	models, err := filepath.Abs("../../training/foreign/testdata/modelfiles")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			url, digest := fileServer(env)
			env.Vars = append(env.Vars, "VERSION="+version.String(), "MODELFILES="+models, "URL="+url, "SHA256="+digest)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": scripttest.Exits, "lines": countLines, "repeat": repeatRows,
			"table": writeNumbered, "loans": writeLoans,
			"shop":  writeShop,
			"serve": serveLoans,
		},
		RequireUniqueNames: true,
	})
}

// fileServer answers its first request with 503, and then with a small table.
func fileServer(env *testscript.Env) (url, digest string) {
	const body = "x,target\n1,0\n2,1\n"
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	env.Defer(srv.Close)
	sum := sha256.Sum256([]byte(body))
	return srv.URL, hex.EncodeToString(sum[:])
}

func countLines(ts *testscript.TestScript, neg bool, args []string) {
	if got := strings.Count(ts.ReadFile(args[1]), "\n"); neg || strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s has %d lines, want %s", args[1], got, args[0])
	}
}

func repeatRows(ts *testscript.TestScript, _ bool, args []string) {
	header, rows, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(header+"\n"+strings.Repeat(rows, atoi(ts, args[0]))), 0o644))
}

func writeNumbered(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	b.WriteString(args[2] + "\n")
	mark := regexp.MustCompile(`#|%\d+`)
	for i := range atoi(ts, args[0]) {
		b.WriteString(mark.ReplaceAllStringFunc(args[3], func(m string) string {
			if m == "#" {
				return strconv.Itoa(i)
			}
			return strconv.Itoa(i % atoi(ts, m[1:]))
		}) + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
}

func writeLoans(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), trainingtest.Loans(atoi(ts, args[0])), 0o644))
}

func writeShop(ts *testscript.TestScript, _ bool, args []string) {
	_, _, err := trainingtest.WriteShop(ts.MkAbs("."), args[0], trainingtest.ShopRows(), trainingtest.ShopHeader())
	ts.Check(err)
}

func atoi(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

// serveLoans has a server decide the first loans of credit_data and stop.
func serveLoans(ts *testscript.TestScript, _ bool, args []string) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	bundle, dir := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	s, err := training.OpenScorer(bundle)
	ts.Check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	n, err := openNode(ctx, dir, s.Bundle, l, time.Minute, nil)
	ts.Check(err)
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	err = decideLoans(ctx, s, l.Addr().String(), dir, atoi(ts, args[2]), n.Journal.WaitPublished)
	stop()
	ts.Check(errors.Join(err, <-done))
}

// decideLoans asks a server for decisions, and keeps their receipts once the log
// has published them.
func decideLoans(ctx context.Context, s *training.Scorer, addr, dir string, loans int,
	published func(context.Context, uint64) error) error {
	c, err := assayclient.Dial(addr, assayclient.Config{})
	if err != nil {
		return err
	}
	defer c.Close()
	table, err := training.ReadTable(ctx, training.Quiet{}, "credit_data", training.ColumnsOf(s.Plan.Spec()))
	if err != nil {
		return err
	}
	for row := range loans {
		ev, err := s.Event(table.All(), row)
		if err != nil {
			return err
		}
		ev.Time = time.Now()
		if _, err := c.Score(ctx, ev.ID, &ev); err != nil {
			return err
		}
	}
	if err := errors.Join(published(ctx, uint64(loans)), os.MkdirAll(filepath.Join(dir, "receipts"), 0o755)); err !=
		nil {
		return err
	}
	for seq := range loans {
		r, err := c.Receipt(ctx, uint64(seq))
		if err != nil {
			return err
		}
		b, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			return err
		}
		path := filepath.Join(dir, "receipts", fmt.Sprintf("%d.json", seq))
		if err := os.WriteFile(path, append(bytes.TrimSpace(b), '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
