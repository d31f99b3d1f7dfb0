// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"slices"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/audit"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/scoring"
)

// mendedPlan has a feature that an earlier version computed differently: payers.
const mendedPlan = "version: 1\nname: mended" + paymentWindows +
	`  - {name: payers, key: [buyer], on: [payment], member: buyer, length: 30d}
features:
  - {name: amount}
  - {name: payers, kernel: distinct, window: payers}
  - {name: asked, kernel: count, window: asked}
`

// TestAuditByEarlierKernels: a decision by earlier window kernels that differs in a
// feature that was corrected since is counted as mended, with the feature's name. A
// decision that differs in another feature, in anything else, or by the present
// kernels, is a difference.
func TestAuditByEarlierKernels(t *testing.T) {
	t.Parallel()
	dir, b := t.TempDir(), bundle(t, mendedPlan, "mended", 0)
	n := start(t, dir, Config{Bundle: b})
	if _, err := n.client.Record(t.Context(), "p", payment("p", 7)); err != nil {
		t.Fatal(err)
	}
	d, err := n.client.Score(t.Context(), "a", plain("a", 300))
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	j := reopen(t, dir)
	if rep := audited(t, j, b, 0, audit.All); rep.Same != 1 || rep.Mended != 0 || !rep.OK() {
		t.Fatalf("unchanged: %+v", rep)
	}
	set := func(i int, x float64) func(v []float64) { return func(v []float64) { v[i] = x } }
	same := func(*assay.Decision) {}
	for name, c := range map[string]struct {
		windows  int // of the record of the start
		vector   func(v []float64)
		decision func(d *assay.Decision)
		mended   int
		differs  string
	}{
		"mended":            {0, set(1, 0), same, 1, ""},
		"version 1 by name": {1, set(1, 0), same, 1, ""},
		"by today's":        {features.WindowKernels, set(1, 0), same, 0, `feature "payers"`},
		"another feature":   {0, set(2, 5), same, 0, `feature "asked"`},
		"both":              {0, func(v []float64) { v[1], v[2] = 0, 5 }, same, 0, `feature "payers"`},
		"mended, and another decision": {0, set(1, 0), func(d *assay.Decision) {
			d.Outcome = assay.Failed
		}, 0, "outcome: review, then failed"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := audit.New([]*models.Bundle{b})
			if err != nil {
				t.Fatal(err)
			}
			rep := new(audit.Report)
			if err := j.Scan(0, audit.All, func(seq uint64, r *journal.Record, unreadable error) error {
				x := *r
				switch {
				case x.Kind == ledger.Activation:
					x.Decision = withWindows(t, x.Decision, c.windows)
				case seq == d.Sequence:
					decideBy(t, b, &x, seq, c.vector, c.decision)
				}
				return a.CheckRecord(rep, seq, &x, unreadable, true, nil)
			}); err != nil {
				t.Fatal(err)
			}
			if c.differs != "" {
				if rep.Different != 1 || rep.Mended != 0 || rep.Differences[0].Differs != c.differs {
					t.Errorf("%+v, want it to differ: %s", rep, c.differs)
				}
				return
			}
			by := max(c.windows, 1)
			if rep.Mended != c.mended || rep.Same != 0 || !rep.OK() || len(rep.MendedFeatures) != 1 ||
				rep.MendedFeatures[0].Feature != "payers" || rep.MendedFeatures[0].Kernels != by ||
				rep.MendedFeatures[0].Decisions != 1 {
				t.Errorf("%+v, want payers as mended since version %d", rep, by)
			}
		})
	}
}

// decideBy makes the decision in a record from a changed vector.
func decideBy(t *testing.T, b *models.Bundle, r *journal.Record, seq uint64, vector func([]float64),
	decision func(*assay.Decision)) {
	t.Helper()
	v, err := assay.ParseVector(r.Vector)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := engine.EventOf(r)
	if err != nil {
		t.Fatal(err)
	}
	vector(v.Values)
	m, err := scoring.New(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := engine.Redecide(m, ev, v, seq, r.RequestID, r.Micros)
	if err != nil {
		t.Fatal(err)
	}
	decision(&d)
	r.Vector, r.Decision = v.AppendBinary(nil), d.AppendBinary(nil)
}

// withWindows is an act that names other window kernels.
func withWindows(t *testing.T, raw []byte, version int) []byte {
	t.Helper()
	var act engine.Act
	if err := assay.UnmarshalCBOR(raw, &act); err != nil {
		t.Fatal(err)
	}
	if act.Windows != features.WindowKernels {
		t.Fatalf("the start names window kernels %d", act.Windows)
	}
	act.Windows = version
	out, err := assay.MarshalCBOR(&act)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStartNamesKernels: a start by other window kernels than the newest record
// names is a record, one by the same is none, and a plan without windows has no
// need of any.
func TestStartNamesKernels(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	for name, c := range map[string]struct {
		bundle *models.Bundle
		then   int // what the act of an earlier program says
		want   []int
	}{
		"older": {bundle(t, mendedPlan, "mended", 0), 1,
			[]int{features.WindowKernels, 1, features.WindowKernels}},
		"the same": {bundle(t, mendedPlan, "mended", 0), features.WindowKernels,
			[]int{features.WindowKernels, features.WindowKernels}},
		"without windows": {bundle(t, planYAML, "first", 0), 0, []int{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cfg := t.TempDir(), Config{Bundle: c.bundle}
			n := start(t, dir, cfg)
			m := n.server.engine.Models().Active
			act := &engine.Act{Version: 1, Kind: engine.ActConfigure, By: "configuration", Digest: m.Bundle.Digest,
				Policy: m.Policy.YAML(), Windows: c.then}
			if _, err := n.server.engine.RecordAct(t.Context(), ledger.Activation, engine.Key{Caller: act.By},
				assay.Digest{}, act); err != nil {
				t.Fatal(err)
			}
			n.stop()
			for range 2 {
				start(t, dir, cfg).stop()
			}
			var got []int
			if err := reopen(t, dir).Scan(0, audit.All, func(_ uint64, r *journal.Record, _ error) error {
				var act engine.Act
				err := assay.UnmarshalCBOR(r.Decision, &act)
				got = append(got, act.Windows)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("the acts name window kernels %v, want %v", got, c.want)
			}
		})
	}
}
