// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"

	"github.com/assayrisk/assay/serving/engine"
)

// naivePSI is the index by its definition, of values in bins.
func naivePSI(h models.Histogram, values []float64) float64 {
	counts := make([]float64, len(h.Shares))
	for _, v := range values {
		at := len(h.Edges)
		for i := len(h.Edges) - 1; i >= 0; i-- {
			if v <= h.Edges[i] {
				at = i
			}
		}
		if math.IsNaN(v) {
			at = len(h.Edges) + 1
		}
		counts[at]++
	}
	n, sum := float64(len(values)), 0.0
	for i, c := range counts {
		now, then := max(c/n, 0.5/n), max(h.Shares[i], 0.5/n)
		sum += (now - then) * math.Log(now/then)
	}
	return sum
}

var driftLine = regexp.MustCompile(`(?m)^assay_drift_psi\{name="([a-z]+)"\} (\S+)$`)

// shownDrift reads the drift that /metrics shows.
func (n *node) shownDrift() map[string]float64 {
	w := httptest.NewRecorder()
	n.server.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	out := map[string]float64{}
	for _, m := range driftLine.FindAllStringSubmatch(w.Body.String(), -1) {
		x, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			n.t.Error(err)
		}
		out[m[1]] = x
	}
	return out
}

// TestDrift: /metrics and GetStatus have the index of the score and of each feature
// with a reference. It is what its definition gives for the sampled decisions, is
// small while the rows are like those of training and large when they change, and
// begins anew with another model.
func TestDrift(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	reference := &models.Reference{
		Score: models.Histogram{Edges: []float64{0.1, 0.3}, Shares: []float64{0.5, 0, 0.5, 0}},
		Features: map[string]models.Histogram{"amount": {Edges: []float64{1000}, Shares: []float64{0.5, 0.5, 0}},
			"income": {Edges: []float64{500}, Shares: []float64{0, 0.9, 0.1}}},
	}
	b, second := bundle(t, planYAML, "first", 0), bundle(t, planYAML, "second", 1)
	b.Manifest.Reference, second.Manifest.Reference = reference, reference
	n := start(t, t.TempDir(), Config{Bundle: b, Load: func(context.Context, string) (*models.Bundle, error) {
		return second, nil
	}})
	adm := pb.NewAdminClient(n.client.Conn())
	if got := n.shownDrift(); len(got) != 0 {
		t.Errorf("drift of no decision: %v", got)
	}
	var pds, amounts, incomes []float64
	score := func(i int, amount, income float64) {
		t.Helper()
		id := fmt.Sprint("d", i)
		d, err := n.client.Score(t.Context(), id, application(id, amount, income))
		if err != nil {
			t.Fatal(err)
		}
		if d.Sequence%engine.DriftSampleEvery == 0 {
			pds, amounts, incomes = append(pds, d.Score.PD), append(amounts, amount), append(incomes, income)
		}
	}
	check := func(when string, rows int64) map[string]float64 {
		t.Helper()
		shown := n.shownDrift()
		want := map[string]float64{"score": naivePSI(reference.Score, pds),
			"amount": naivePSI(reference.Features["amount"], amounts),
			"income": naivePSI(reference.Features["income"], incomes)}
		st, err := adm.GetStatus(t.Context(), &pb.GetStatusRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(shown) != len(want) || len(st.Drift) != len(want) || st.Drift[0].Name != "score" {
			t.Fatalf("%s: /metrics has %v, GetStatus %v, want %d of each with the score first", when,
				shown, st.Drift, len(want))
		}
		for _, d := range st.Drift {
			if math.Abs(d.Psi-want[d.Name]) > 1e-12 || shown[d.Name] != d.Psi || d.Rows != rows {
				t.Errorf("%s: %s has drift %v of %d rows in GetStatus and %v in /metrics, want %v of %d", when, d.Name,
					d.Psi, d.Rows, shown[d.Name], want[d.Name], rows)
			}
		}
		return shown
	}
	// Of eight rows one is looked at: the amount of every second of those is high.
	for i := range 160 {
		income := 600.0
		if i/engine.DriftSampleEvery%10 == 9 {
			income = math.NaN()
		}
		score(i, []float64{10, 2000}[i/engine.DriftSampleEvery%2], income)
	}
	if got := check("as in training", int64(len(pds))); got["amount"] > 0.1 || got["score"] > 0.1 || len(pds) < 18 {
		t.Errorf("as in training: %v of %d rows, want little", got, len(pds))
	}
	for i := range 400 {
		score(200+i, 2000, 600)
	}
	if got := check("moved", int64(len(pds))); got["amount"] < 0.25 || got["score"] < 0.25 {
		t.Errorf("after the rows have changed: %v, want much", got)
	}
	if _, err := adm.ActivateModel(t.Context(), &pb.ActivateModelRequest{RequestId: "a", Bundle: "second"}); err !=
		nil {
		t.Fatal(err)
	}
	if got := n.shownDrift(); len(got) != 0 {
		t.Errorf("another model begins with the drift of the one before: %v", got)
	}
}
