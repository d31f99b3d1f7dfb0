// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
)

// promised are the codes of the status table in the order of docs/serving.md.
var promised = []codes.Code{codes.InvalidArgument, codes.AlreadyExists, codes.NotFound, codes.Unauthenticated,
	codes.PermissionDenied,
	codes.ResourceExhausted, codes.FailedPrecondition, codes.Unavailable, codes.DeadlineExceeded,
	codes.Canceled, codes.Internal}

// seen has the codes that came from each method.
type seen map[string]map[codes.Code]bool

// want provokes one failure and checks its code and the detail that the table
// promises with the code.
func (s seen) want(t *testing.T, method string, code codes.Code, why string, call func() error) {
	t.Helper()
	err := call()
	st := status.Convert(err)
	if st.Code() != code {
		t.Errorf("%s, %s: %v, want %s", method, why, err, code)
		return
	}
	var field, retry bool
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			field = len(d.FieldViolations) > 0 && d.FieldViolations[0].Field != ""
		case *errdetails.RetryInfo:
			retry = d.RetryDelay.AsDuration() > 0
		}
	}
	if code == codes.InvalidArgument && !field {
		t.Errorf("%s, %s: %v names no field", method, why, err)
	}
	if code == codes.ResourceExhausted && why != "too large" && !retry {
		t.Errorf("%s, %s: %v does not say when to come again", method, why, err)
	}
	full := "assay.v1." + method
	if strings.HasPrefix(method, "inference.") {
		full = method
	}
	if s[full] == nil {
		s[full] = map[codes.Code]bool{}
	}
	s[full][code] = true
}

// statusConfig lets one caller do everything, and loads what it is asked for.
func statusConfig(t *testing.T) Config {
	second, other := map[string]*models.Bundle{}, bundle(t, windowPlan, "other plan", 0)
	for i := range 3 {
		second[fmt.Sprintf("second-%d", i)] = bundle(t, planYAML, fmt.Sprintf("second-%d", i), 0.5)
	}
	return Config{Auth: keys("all:score,record,read,audit,admin", "reader:read", "recorder:record"),
		MaxMessageBytes: 1 << 16,
		Load: func(_ context.Context, name string) (*models.Bundle, error) {
			if b := second[name]; b != nil {
				return b, nil
			}
			if name == "other plan" {
				return other, nil
			}
			return nil, errors.New("no such bundle")
		}}
}

func (n *node) all(key string) *calls {
	return callsOf(n.dial(assayclient.Config{APIKey: key, Attempts: 1}))
}

// TestStatuses provokes every code that the status table promises, method by
// method; each call fails for its real reason. docs/serving.md shows which method
// answered with which codes; its table of codes must have exactly those of
// status.go.
func TestStatuses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	got := seen{}
	t.Run("requests", func(t *testing.T) { got.requests(t) })
	t.Run("one message", func(t *testing.T) { got.oneMessage(t) })
	t.Run("callers", func(t *testing.T) { got.callers(t) })
	t.Run("rates", func(t *testing.T) { got.rates(t) })
	t.Run("faults", func(t *testing.T) { got.faults(t) })
	t.Run("disk", func(t *testing.T) { got.disk(t) })
	if t.Failed() {
		return
	}
	have := map[codes.Code]bool{codes.Internal: true}
	for _, row := range statusTable {
		have[row.code] = true
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "serving.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| code | when | detail |")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	var names []string
	for _, c := range promised {
		names = append(names, codeName(c))
		if !have[c] {
			t.Errorf("%s is promised, and status.go never answers it", c)
		}
		delete(have, c)
	}
	if len(have) > 0 || !slices.Equal(documented, names) {
		t.Errorf("docs/serving.md promises %v, the test tries %v, and status.go has %v as well",
			documented, names, have)
	}
	between(t, "statuses", got.table())
}

// codeName is a code as protocols write it.
func codeName(c codes.Code) string {
	if c == codes.Canceled {
		return "CANCELLED"
	}
	return strings.ToUpper(regexp.MustCompile("([a-z])([A-Z])").ReplaceAllString(c.String(), "${1}_$2"))
}

func (s seen) table() string {
	var b strings.Builder
	b.WriteString("\n| method | codes that a test provoked |\n|---|---|\n")
	for _, m := range slices.Sorted(maps.Keys(s)) {
		var list []string
		for _, c := range promised {
			if s[m][c] {
				list = append(list, "`"+codeName(c)+"`")
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", m, strings.Join(list, ", "))
	}
	return b.String()
}
