// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
)

// runner is a program that scores the rows of a case.
type runner interface {
	// run scores about n rows and returns the nanoseconds for one. kind is one of
	// scoreKinds.
	run(kind string, n int) float64
	// explains says whether it can compute contributions.
	explains() bool
	// margins are those of the first rows; none if it does not print them.
	margins() []float64
	close()
}

// inProcess is a predictor in this process.
type inProcess struct {
	x          []float64
	scoreRow   func(x []float64) float64
	scoreBatch func(dst, rows []float64)
	explain    func(dst, x []float64)
	at         int
	sink       float64
	dst        [batch]float64
	phi        [features + 1]float64
}

func (l *inProcess) explains() bool { return l.explain != nil }
func (l *inProcess) close()         {}

func (l *inProcess) margins() []float64 {
	out := make([]float64, 64)
	for i := range out {
		out[i] = l.scoreRow(l.x[i*features : (i+1)*features])
	}
	return out
}

func (l *inProcess) run(kind string, n int) float64 {
	total := len(l.x) / features
	start := time.Now()
	if kind == "batch" {
		n = (n + batch - 1) / batch * batch
		l.at %= total - batch + 1
		for range n / batch {
			l.scoreBatch(l.dst[:], l.x[l.at*features:(l.at+batch)*features])
			l.at = (l.at + batch) % (total - batch + 1)
		}
		return float64(time.Since(start).Nanoseconds()) / float64(n)
	}
	l.at %= total
	for range n {
		x := l.x[l.at*features : (l.at+1)*features]
		if kind == "contrib" {
			l.explain(l.phi[:], x)
		} else {
			l.sink += l.scoreRow(x)
		}
		if l.at++; l.at == total {
			l.at = 0
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// peerProcess is a peer in a separate process. It answers each line, "kind n",
// with the nanoseconds for a row.
type peerProcess struct {
	cmd          *exec.Cmd
	in           io.WriteCloser
	out          *bufio.Reader
	firstMargins []float64
	lightGBM     bool
}

func startPeer(name string, args ...string) (*peerProcess, error) {
	c := &peerProcess{cmd: exec.Command(name, args...), lightGBM: args[0] == "lightgbm"}
	var err error
	if c.in, c.out, err = daemon.StartPiped(c.cmd); err != nil {
		return nil, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s ended before it was ready: %w", name, c.cmd.Wait())
	}
	for w := range strings.FieldsSeq(line) {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, err
		}
		c.firstMargins = append(c.firstMargins, v)
	}
	return c, nil
}

func (c *peerProcess) explains() bool     { return c.lightGBM }
func (c *peerProcess) margins() []float64 { return c.firstMargins }

func (c *peerProcess) run(kind string, n int) float64 {
	fmt.Fprintf(c.in, "%s %d\n", kind, n)
	line, err := c.out.ReadString('\n')
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: no answer: %v\n", c.cmd.Path, err)
		os.Exit(1)
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(line), 64)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: answered %q\n", c.cmd.Path, line)
		os.Exit(1)
	}
	return v
}

func (c *peerProcess) close() {
	c.in.Close()
	c.cmd.Wait()
}
