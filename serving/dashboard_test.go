// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDashboardNamesMetricsThatAre holds the Grafana dashboard to the metrics
// that the server has.
func TestDashboardNamesMetricsThatAre(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	families, err := n.server.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{"assay_drift_psi": true} // shown once there is a reference and rows
	for _, f := range families {
		have[f.GetName()] = true
	}
	b, err := os.ReadFile("../docs/dashboards/assay.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	metric := regexp.MustCompile(`\b(?:assay|grpc_server|go|process)_[a-z_]+`)
	seen := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			for _, name := range metric.FindAllString(target.Expr, -1) {
				seen++
				base := name
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					base = strings.TrimSuffix(base, suffix)
				}
				if !have[name] && !have[base] {
					t.Errorf("the dashboard asks for %s, which the server does not have", name)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d metrics found in the dashboard: the test does not look at it", seen)
	}
}
