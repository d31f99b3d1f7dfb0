// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/assayrisk/assay"
)

// Bounds on the lines about refused calls: a caller that sends nothing but
// refused calls must not fill the disk with them.
const (
	refusalsAtOnce    = 50
	refusalsPerSecond = 5
)

// refusals logs a line for each refused call: who, what, which code and which
// field. A line holds no value, and no name but those that the server itself
// knows: a field that it does not know is not named. Callers that are not known
// have lines of their own, so that they cannot use up those of the others.
type refusals struct {
	log                *slog.Logger
	now                func() time.Time
	callers, strangers lineAllowance
}

func newRefusals(log *slog.Logger, now func() time.Time) *refusals {
	r := &refusals{log: log, now: now}
	for _, a := range []*lineAllowance{&r.callers, &r.strangers} {
		a.mu.left, a.mu.at = refusalsAtOnce, now()
	}
	return r
}

// lineAllowance says how many lines may be written.
type lineAllowance struct {
	mu struct {
		sync.Mutex
		left   float64
		at     time.Time
		unsaid int // lines that were not allowed since the last one
	}
}

// take takes one line, and returns how many were not allowed before it.
func (a *lineAllowance) take(now time.Time) (unsaid int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mu.left = min(refusalsAtOnce, a.mu.left+refusalsPerSecond*max(0, now.Sub(a.mu.at).Seconds()))
	a.mu.at = now
	if a.mu.left < 1 {
		a.mu.unsaid++
		return 0, false
	}
	a.mu.left--
	unsaid, a.mu.unsaid = a.mu.unsaid, 0
	return unsaid, true
}

// say logs one refusal, or counts it for the next line.
func (r *refusals) say(method, caller, code, field string) {
	args := []any{"method", method, "caller", caller, "code", code}
	if field != "" {
		args = append(args, "field", field)
	}
	r.line("a call was refused", caller, args)
}

// line logs one line about a caller, "" for one that is not known.
func (r *refusals) line(message, caller string, args []any) {
	from := &r.callers
	if caller == "" {
		from = &r.strangers
	}
	unsaid, ok := from.take(r.now())
	if !ok {
		return
	}
	if unsaid > 0 {
		args = append(args, "not_logged_before", unsaid)
	}
	r.log.Warn(message, args...)
}

// maxReasons bounds the codes and fields that a line about rows names.
const maxReasons = 8

// sayRows logs one line about the rows that were refused in a batch or a stretch
// of a stream that was answered: how many, by code and field.
func (s *Server) sayRows(method, caller string, calls []*call) {
	type reason struct{ code, field string }
	var counts map[reason]int
	rows := 0
	for _, c := range calls {
		if c.Err == nil {
			continue
		}
		code, _ := classify(c.Err)
		if !refused(code) {
			continue
		}
		if counts == nil {
			counts = map[reason]int{}
		}
		rows++
		counts[reason{code.String(), s.fieldOf(c.Err)}]++
	}
	if rows == 0 {
		return
	}
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b reason) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a.code, b.code), strings.Compare(a.field, b.field))
	})
	var why []string
	said := 0
	for _, of := range reasons[:min(len(reasons), maxReasons)] {
		said += counts[of]
		why = append(why, strings.TrimSuffix(fmt.Sprintf("%d %s %s", counts[of], of.code, of.field), " "))
	}
	if rest := rows - said; rest > 0 {
		why = append(why, fmt.Sprintf("%d others", rest))
	}
	s.refusals.line("rows were refused", caller,
		[]any{"method", method, "caller", caller, "rows", len(calls), "refused", rows, "why", strings.Join(why, ", ")})
}

// requestFields are the fields of requests that errors name, apart from those of
// plans.
var requestFields = []string{"request", "request_id", "model", "event", "id", "kind", "time", "entities",
	"entities.role", "fields", "fields.name", "rows", "what",
	"arrow", "arrow.ipc", "arrow.time", "page_size", "page_token", "from", "to", "outcome", "entity", "entity.role",
	"entity.id", "key", "role", "subject", "yaml",
	"bundle", "bundles", "with_policy", "report_digest", "inputs", "outputs", "raw_input_contents", "sequence"}

// unknownName stands for a field whose name the caller made up.
const unknownName = "(a name that the plan does not know)"

// fieldOf is the field that an error is about, by a name that the server knows.
func (s *Server) fieldOf(err error) string {
	var f *assay.FieldError
	if !errors.As(err, &f) {
		return ""
	}
	if slices.Contains(requestFields, f.Field) {
		return f.Field
	}
	m := s.engine.Models().Active
	name := strings.TrimPrefix(f.Field, "inputs.")
	if m.Plan.Knows(name) || featureColumn(m, name) >= 0 {
		return f.Field
	}
	return unknownName
}

// refused reports whether a code says that the call, not the server, is at fault.
func refused(c codes.Code) bool {
	switch c {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.Unauthenticated,
		codes.ResourceExhausted,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		return true
	}
	return false
}
