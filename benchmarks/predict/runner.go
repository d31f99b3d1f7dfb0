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
)

// runner scores rows and says how long one took.
type runner interface {
	// run scores about n rows, what being single, batch or contrib, and gives
	// the nanoseconds that one took.
	run(what string, n int) float64
	explains() bool
	margins() []float64 // of the first rows, if known
	close()
}

// local is a predictor in this process.
type local struct {
	x       []float64
	one     func(x []float64) float64
	many    func(dst, rows []float64)
	explain func(dst, x []float64)
	at      int
	sink    float64
	dst     [batch]float64
	phi     [features + 1]float64
}

func (l *local) explains() bool { return l.explain != nil }
func (l *local) close()         {}

func (l *local) margins() []float64 {
	out := make([]float64, 64)
	for i := range out {
		out[i] = l.one(l.x[i*features : (i+1)*features])
	}
	return out
}

func (l *local) run(what string, n int) float64 {
	total := len(l.x) / features
	start := time.Now()
	if what == "batch" {
		n = (n + batch - 1) / batch * batch
		l.at %= total - batch + 1
		for range n / batch {
			l.many(l.dst[:], l.x[l.at*features:(l.at+batch)*features])
			l.at = (l.at + batch) % (total - batch + 1)
		}
		return float64(time.Since(start).Nanoseconds()) / float64(n)
	}
	l.at %= total
	for range n {
		x := l.x[l.at*features : (l.at+1)*features]
		if what == "contrib" {
			l.explain(l.phi[:], x)
		} else {
			l.sink += l.one(x)
		}
		if l.at++; l.at == total {
			l.at = 0
		}
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// child is a peer in a process of its own: it answers each line, "what n", with
// the nanoseconds of a row.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	first []float64
	lgb   bool
}

func startChild(name string, args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...), lgb: args[0] == "lightgbm"}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
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
		c.first = append(c.first, v)
	}
	return c, nil
}

func (c *child) explains() bool     { return c.lgb }
func (c *child) margins() []float64 { return c.first }

func (c *child) run(what string, n int) float64 {
	fmt.Fprintf(c.in, "%s %d\n", what, n)
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

func (c *child) close() {
	c.in.Close()
	c.cmd.Wait()
}
