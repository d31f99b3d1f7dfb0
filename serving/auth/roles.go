// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assayrisk/assay/internal/nearest"
)

// ErrUnauthenticated: no credential, or one that is not accepted.
var ErrUnauthenticated = errors.New("not authenticated")

// ErrForbidden: the caller is known and has none of the roles that are needed.
var ErrForbidden = errors.New("not allowed")

// Caller is who calls. Name is stable for one identity: request ids are unique
// within it, and records hold it.
type Caller struct {
	Name  string
	Roles Roles
}

// Roles is a set of roles.
type Roles uint8

// The roles.
const (
	Score    Roles = 1 << iota // ask for decisions, read one's own
	Record                     // record facts
	Read                       // read models, checkpoints and status
	Audit                      // read every decision and receipt
	Admin                      // change models and policy, erase subjects
	AllRoles = Score | Record | Read | Audit | Admin
)

var roleNames = [...]string{"score", "record", "read", "audit", "admin"}

// String lists the roles, separated by commas.
func (r Roles) String() string {
	var s []string
	for i, n := range roleNames {
		if r&(1<<i) != 0 {
			s = append(s, n)
		}
	}
	return strings.Join(s, ",")
}

// ParseRoles reads role names.
func ParseRoles(names []string) (Roles, error) {
	var r Roles
next:
	for _, name := range names {
		for i, n := range roleNames {
			if n == name {
				r |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("role %q: want one of %s%s", name, strings.Join(roleNames[:], ", "),
			nearest.Hint(name, roleNames[:]))
	}
	if r == 0 {
		return 0, fmt.Errorf("no roles: name some of %s", strings.Join(roleNames[:], ", "))
	}
	return r, nil
}

// Public marks a method that needs no credential.
const Public Roles = 0

const (
	scoring   = "/assay.v1.Scoring/"
	admin     = "/assay.v1.Admin/"
	inference = "/inference.GRPCInferenceService/"
	healthV1  = "/grpc.health.v1.Health/"
)

// Methods returns the roles of each method: a caller needs any one of them, and
// for Public none. It is the only such table; docs/serving.md shows it.
func Methods() map[string]Roles {
	return map[string]Roles{
		scoring + "Score":            Score,
		scoring + "ScoreBatch":       Score,
		scoring + "ScoreStream":      Score,
		scoring + "Record":           Record,
		scoring + "RecordBatch":      Record,
		scoring + "Explain":          Score | Audit,
		scoring + "GetDecision":      Score | Audit,
		scoring + "ListDecisions":    Score | Audit,
		scoring + "GetReceipt":       Score | Audit,
		scoring + "WatchCheckpoints": Read | Audit,

		admin + "ListModels":    Read | Admin,
		admin + "ActivateModel": Admin,
		admin + "SetShadow":     Admin,
		admin + "SetPolicy":     Admin,
		admin + "EraseSubject":  Admin,
		admin + "RecordReport":  Admin,
		admin + "GetStatus":     Read | Admin,

		inference + "ServerLive":            Public,
		inference + "ServerReady":           Public,
		inference + "ModelReady":            Score | Read,
		inference + "ServerMetadata":        Score | Read,
		inference + "ModelMetadata":         Score | Read,
		inference + "ModelInfer":            Score,
		inference + "RepositoryIndex":       Read | Admin,
		inference + "RepositoryModelLoad":   Admin,
		inference + "RepositoryModelUnload": Admin,

		healthV1 + "Check": Public,
		healthV1 + "Watch": Public,
		healthV1 + "List":  Read | Admin,

		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      Public,
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Public,
	}
}

// Table says whether a caller may call a method.
type Table struct{ methods map[string]Roles }

// NewTable returns the table of Methods.
func NewTable() *Table { return &Table{methods: Methods()} }

// Public reports whether the method needs no credential.
func (t *Table) Public(method string) bool {
	r, ok := t.methods[method]
	return ok && r == Public
}

// Has reports whether the table names the method.
func (t *Table) Has(method string) bool {
	_, ok := t.methods[method]
	return ok
}

// Allow returns nil when c may call the method. Its errors match ErrForbidden.
func (t *Table) Allow(c Caller, method string) error {
	need, ok := t.methods[method]
	if !ok {
		return fmt.Errorf("%w: the method is not in the table of roles", ErrForbidden)
	}
	if need == Public || c.Roles&need != 0 {
		return nil
	}
	return fmt.Errorf("%w: the method needs one of the roles %s, the caller has %s", ErrForbidden, need, c.Roles)
}
