// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/term"
)

// ui speaks to the person: results go to stdout, progress to stderr. On a
// terminal a running step is one line that is rewritten; elsewhere each step
// is a plain line when it starts and when it ends.
type ui struct {
	out, err io.Writer
	tty      bool
	color    bool
	writeErr error // the first result that could not be written

	mu struct {
		sync.Mutex
		step    string
		started time.Time
		shown   time.Time
		open    bool // a line on the terminal waits for its end
	}
}

func newUI(out, err io.Writer) *ui {
	u := &ui{out: out, err: err}
	u.tty = isTerminal(err)
	u.color = isTerminal(out) && os.Getenv("NO_COLOR") == ""
	return u
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Step says what begins now. The step before it ends.
func (u *ui) Step(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.endLocked("")
	u.mu.step, u.mu.started, u.mu.open = fmt.Sprintf(format, args...), time.Now(), true
	if u.tty {
		fmt.Fprintf(u.err, "\r\x1b[K· %s", u.mu.step)
	} else {
		fmt.Fprintf(u.err, "- %s\n", u.mu.step)
	}
}

// Progress shows how far the running step is: on a terminal at most ten times
// a second, elsewhere every five seconds.
func (u *ui) Progress(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	pause := 5 * time.Second
	if u.tty {
		pause = 100 * time.Millisecond
	}
	now := time.Now()
	if !u.mu.open || now.Sub(u.mu.shown) < pause || !u.tty && now.Sub(u.mu.started) < pause {
		return
	}
	u.mu.shown = now
	if u.tty {
		fmt.Fprintf(u.err, "\r\x1b[K· %s: %s", u.mu.step, fmt.Sprintf(format, args...))
	} else {
		fmt.Fprintf(u.err, "  %s: %s\n", u.mu.step, fmt.Sprintf(format, args...))
	}
}

// Done ends the running step with what came of it.
func (u *ui) Done(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.endLocked(fmt.Sprintf(format, args...))
}

// finish leaves the terminal on a fresh line.
func (u *ui) finish() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.tty && u.mu.open {
		fmt.Fprintln(u.err)
	}
	u.mu.open = false
}

func (u *ui) endLocked(result string) {
	if !u.mu.open {
		return
	}
	u.mu.open = false
	took := time.Since(u.mu.started).Round(10 * time.Millisecond)
	sep := ""
	if result != "" {
		sep = ": "
	}
	switch {
	case u.tty:
		fmt.Fprintf(u.err, "\r\x1b[K✓ %s%s%s (%s)\n", u.mu.step, sep, result, took)
	case result != "":
		fmt.Fprintf(u.err, "  %s (%s)\n", result, took)
	}
}

// bold and its kin mark words on a terminal and leave them alone elsewhere.
func (u *ui) bold(s string) string  { return u.paint("1", s) }
func (u *ui) faint(s string) string { return u.paint("2", s) }
func (u *ui) green(s string) string { return u.paint("32", s) }
func (u *ui) red(s string) string   { return u.paint("31", s) }

func (u *ui) paint(code, s string) string {
	if !u.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// printf writes a result. One that cannot be written fails the command, when it
// ends.
func (u *ui) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(u.out, format, args...); err != nil && u.writeErr == nil {
		u.writeErr = err
	}
}

// json writes v as one indented JSON value.
func (u *ui) json(v any) error {
	e := json.NewEncoder(u.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Note tells the person something that is not a step.
func (u *ui) Note(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.tty && u.mu.open {
		fmt.Fprint(u.err, "\r\x1b[K")
	}
	fmt.Fprintf(u.err, "! %s\n", fmt.Sprintf(format, args...))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// fixed prints x with n digits after the point.
func fixed(x float64, n int) string { return strconv.FormatFloat(x, 'f', n, 64) }
