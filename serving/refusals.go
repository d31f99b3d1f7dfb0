// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"errors"
	"log/slog"
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
// knows: a field that it does not know is not named.
type refusals struct {
	log *slog.Logger
	now func() time.Time
	mu  struct {
		sync.Mutex
		tokens float64
		at     time.Time
		unsaid int // lines that found no token since the last one
	}
}

func newRefusals(log *slog.Logger, now func() time.Time) *refusals {
	r := &refusals{log: log, now: now}
	r.mu.tokens, r.mu.at = refusalsAtOnce, now()
	return r
}

// say logs one refusal, or counts it for the next line.
func (r *refusals) say(method, caller, code, field string) {
	r.mu.Lock()
	now := r.now()
	r.mu.tokens = min(refusalsAtOnce, r.mu.tokens+refusalsPerSecond*max(0, now.Sub(r.mu.at).Seconds()))
	r.mu.at = now
	if r.mu.tokens < 1 {
		r.mu.unsaid++
		r.mu.Unlock()
		return
	}
	r.mu.tokens--
	unsaid := r.mu.unsaid
	r.mu.unsaid = 0
	r.mu.Unlock()
	args := []any{"method", method, "caller", caller, "code", code}
	if field != "" {
		args = append(args, "field", field)
	}
	if unsaid > 0 {
		args = append(args, "not_logged_before", unsaid)
	}
	r.log.Warn("a call was refused", args...)
}

// requestFields are the fields of requests that errors name, apart from those of
// plans.
var requestFields = []string{"request", "request_id", "model", "event", "id", "kind", "time", "entities", "entities.role", "fields", "fields.name", "rows", "what",
	"arrow", "arrow.ipc", "arrow.time", "page_size", "page_token", "from", "to", "outcome", "entity", "entity.role", "entity.id", "key", "role", "subject", "yaml",
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
	m := s.engine.routes.Load().active
	name := strings.TrimPrefix(f.Field, "inputs.")
	if m.plan.Knows(name) || m.feature(name) >= 0 {
		return f.Field
	}
	return unknownName
}

// refused reports whether a code says that the call, not the server, is at fault.
func refused(c codes.Code) bool {
	switch c {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.Unauthenticated, codes.ResourceExhausted,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		return true
	}
	return false
}
