// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
)

const planYAML = `
version: 1
name: test
entities: [buyer]
fields:
  - {name: amount, required: true, min: 0}
  - {name: income}
  - {name: sector, kind: text}
  - {name: insured, kind: flag}
features:
  - {name: amount, group: size}
  - {name: income, group: means}
  - {name: sector, min_count: 1}
groups:
  - {name: size, code: R01, text: The amount is high for this buyer.}
  - {name: means, code: R02, text: The buyer's income is low.}
`

// table is a small training table.
func table(t testing.TB) arrow.Record {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "amount", Type: arrow.PrimitiveTypes.Float64}, {Name: "income", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "sector", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "insured", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "buyer", Type: arrow.BinaryTypes.String}, {Name: "target", Type: arrow.PrimitiveTypes.Float64},
		{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us}, {Name: "seller", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 200 {
		b.Field(0).(*array.Float64Builder).Append(float64(i))
		b.Field(1).(*array.Float64Builder).Append(float64(1000 - i))
		b.Field(2).(*array.StringBuilder).Append([]string{"steel", "food"}[i%2])
		b.Field(3).(*array.BooleanBuilder).Append(i%3 == 0)
		b.Field(4).(*array.StringBuilder).Append(fmt.Sprintf("B-%d", i%7))
		b.Field(5).(*array.Float64Builder).Append(float64(i % 2))
		b.Field(6).(*array.TimestampBuilder).Append(arrow.Timestamp(start2026.UnixMicro()) - 1e9 + arrow.Timestamp(i))
		b.Field(7).(*array.StringBuilder).Append(fmt.Sprintf("S-%d", i%5))
	}
	return b.NewRecord()
}

// stump is a tree with one split.
func stump(feature int32, threshold, left, right float64) models.Tree {
	return models.Tree{
		Feature: []int32{feature}, Threshold: []float64{threshold}, Decision: []uint8{uint8(models.MissingNaN) << 2},
		Left: []int32{^0}, Right: []int32{^1}, Gain: []float64{1}, NodeValue: []float64{0}, NodeHess: []float64{200}, NodeCount: []int64{200},
		LeafValue: []float64{left, right}, LeafHess: []float64{100, 100}, LeafCount: []int64{100, 100}, Shrinkage: 1,
	}
}

// bundle makes a bundle of hand: the margin is -3, plus 2.5 when the amount is
// over 1000, plus 2 when the income is at most 500 or missing (bias more).
func bundle(t testing.TB, plan, name string, bias float64) *models.Bundle {
	t.Helper()
	spec, err := features.ParseSpec([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	rec := table(t)
	defer rec.Release()
	p, _, err := spec.Fit(t.Context(), rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &models.Model{Objective: models.Binary, Sigmoid: 1, Trees: []models.Tree{stump(0, 1000, -3+bias, -0.5+bias), stump(1, 500, 2, 0)}}
	for _, f := range p.Features() {
		m.Features = append(m.Features, models.FeatureInfo{Name: f.Name, Categorical: f.Categorical, Max: 1e6})
	}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	b := &models.Bundle{Model: m, Plan: p.Frozen(), Scale: models.DefaultScale()}
	b.Manifest.Name, b.Manifest.Plan = name, p.Digest()
	b.Digest = assay.Sum("test bundle\n", []byte(name), b.Plan, []byte(fmt.Sprint(bias)))
	return b
}

// loading is a Config.Load that finds bundles by name.
func loading(bundles []*models.Bundle) func(context.Context, string) (*models.Bundle, error) {
	return func(_ context.Context, name string) (*models.Bundle, error) {
		for _, b := range bundles {
			if b.Manifest.Name == name {
				return b, nil
			}
		}
		return nil, errors.New("no such bundle")
	}
}

// begun is how many records a journal has before the first request: what the
// server was configured with.
const begun = 1

// node is a journal and a server on it, over a connection in memory.
type node struct {
	t       testing.TB
	dir     string
	journal *journal.Journal
	server  *Server
	conn    *bufconn.Listener
	stop    func()
	client  *assayclient.Client
}

// start runs a node until the test's end or its stop.
func start(t testing.TB, dir string, cfg Config) *node {
	t.Helper()
	return startOn(t, dir, nil, cfg, false)
}

// startOn is start with the records on a file system; with breaks the journal
// may end with an error.
func startOn(t testing.TB, dir string, fs vfs.FS, cfg Config, breaks bool) *node {
	t.Helper()
	log := cfg.Logger // one log, as in assayd
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	drain := time.Minute // a busy machine is no fault
	if breaks {
		drain = 2 * time.Second
	}
	j, err := journal.Open(t.Context(), dir, journal.Config{Logger: log, Interval: 50 * time.Millisecond, FS: fs, DrainTimeout: drain})
	if err != nil {
		t.Fatal(err)
	}
	jctx, jcancel := context.WithCancel(context.Background())
	jdone := make(chan error, 1)
	go func() { jdone <- j.Run(jctx) }()
	if cfg.Bundle == nil {
		cfg.Bundle = bundle(t, planYAML, "first", 0)
	}
	cfg.Journal = j
	cfg.DrainTimeout = 5 * time.Second
	s, err := New(cfg)
	if err != nil {
		jcancel()
		<-jdone
		t.Fatal(err)
	}
	n := &node{t: t, dir: dir, journal: j, server: s, conn: bufconn.Listen(1 << 20)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, n.conn) }()
	var once sync.Once
	n.stop = func() {
		once.Do(func() {
			if n.client != nil {
				n.client.Close()
			}
			cancel()
			err := <-done
			jcancel()
			if jerr := errors.Join(<-jdone, j.Close()); jerr != nil && !breaks {
				err = errors.Join(err, jerr)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(n.stop)
	n.client = n.dial(assayclient.Config{LogKey: j.Key()})
	return n
}

func (n *node) dial(cfg assayclient.Config) *assayclient.Client {
	n.t.Helper()
	cfg.Options = append(cfg.Options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return n.conn.DialContext(ctx) }))
	c, err := assayclient.Dial("passthrough:///memory", cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	return c
}

var start2026 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// application makes an event to score. NaN income is missing.
func application(id string, amount, income float64) *assay.Event {
	e := &assay.Event{ID: id, Kind: "application", Time: start2026, Entities: []assay.Entity{{Role: "buyer", ID: "B-1"}},
		Fields: []assay.Field{{Name: "amount", Value: assay.NumberValue(amount)}, {Name: "sector", Value: assay.TextValue("steel")}}}
	if !math.IsNaN(income) {
		e.Fields = append(e.Fields, assay.Field{Name: "income", Value: assay.NumberValue(income)})
	}
	return e
}

func has(err error, words string) bool { return err != nil && strings.Contains(err.Error(), words) }

// failScoring lets the active model's scoring panic until the returned function
// is called: what a fault of the program looks like.
func (n *node) failScoring() (mend func()) {
	m := n.server.engine.routes.Load().active
	sound := m.forest
	m.forest = nil
	return func() { m.forest = sound }
}
