// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"log/slog"
	"sync"
	"time"
)

// Bounds on the log lines about refused calls: a caller whose calls are all refused
// must not fill the disk with them.
const (
	refusalsAtOnce    = 50
	refusalsPerSecond = 5
)

// refusalLog logs a line for each refused call: caller, method, code and field. A
// line holds no value of the request, and names only fields that the server knows.
// Unknown callers have an allowance of their own, so that they cannot use up that
// of the others.
type refusalLog struct {
	log                *slog.Logger
	now                func() time.Time
	callers, strangers lineAllowance
}

func newRefusalLog(log *slog.Logger, now func() time.Time) *refusalLog {
	r := &refusalLog{log: log, now: now}
	for _, a := range []*lineAllowance{&r.callers, &r.strangers} {
		a.mu.left, a.mu.at = refusalsAtOnce, now()
	}
	return r
}

// lineAllowance is a token bucket of lines.
type lineAllowance struct {
	mu struct {
		sync.Mutex
		left       float64
		at         time.Time
		suppressed int // lines that were not allowed since the last one
	}
}

// takeLine takes one line, and returns how many were suppressed before it.
func (a *lineAllowance) takeLine(now time.Time) (suppressed int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.left = min(refusalsAtOnce, a.mu.left+refusalsPerSecond*max(0, now.Sub(a.mu.at).Seconds()))
	a.mu.at = now
	if a.mu.left < 1 {
		a.mu.suppressed++
		return 0, false
	}
	a.mu.left--
	suppressed, a.mu.suppressed = a.mu.suppressed, 0
	return suppressed, true
}

// logCall logs one refused call, or counts it for the next line.
func (r *refusalLog) logCall(method, caller, code, field string) {
	args := []any{"method", method, "caller", caller, "code", code}
	if field != "" {
		args = append(args, "field", field)
	}
	r.logLine("a call was refused", caller, args)
}

// logLine logs one line about a caller, "" for an unknown one.
func (r *refusalLog) logLine(message, caller string, args []any) {
	from := &r.callers
	if caller == "" {
		from = &r.strangers
	}
	suppressed, ok := from.takeLine(r.now())
	if !ok {
		return
	}
	if suppressed > 0 {
		args = append(args, "not_logged_before", suppressed)
	}
	r.log.Warn(message, args...)
}
