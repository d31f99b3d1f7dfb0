// SPDX-License-Identifier: Apache-2.0

package scoring_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/scoring"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// TestNew: a bundle whose parts do not fit together is refused by name.
func TestNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*models.Bundle)
		policy string
		want   string
	}{
		"as it is": {func(*models.Bundle) {}, "", ""},
		"no plan":  {func(b *models.Bundle) { b.Plan = []byte("{}") }, "", "the bundle's plan"},
		"another plan": {func(b *models.Bundle) {
			b.Manifest.Plan = assay.Sum("x")
		}, "", "the bundle's manifest names the plan"},
		"other features": {func(b *models.Bundle) {
			b.Model.Features = b.Model.Features[1:]
		}, "", "they were not trained together"},
		"no such field": {func(*models.Bundle) {},
			"name: p\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nrules: [{name: r, when: nothing > 1.0, " +
				"outcome: decline}]\n", "nothing"},
		"no policy there": {func(b *models.Bundle) { b.Policy = nil }, "", ""},
	} {
		b := scoringtest.Bundle(t, scoringtest.PlanYAML, "first", 0)
		c.change(b)
		var yaml []byte
		if c.policy != "" {
			yaml = []byte(c.policy)
		}
		m, err := scoring.New(b, yaml)
		switch {
		case c.want == "" && (err != nil || m.Policy == nil || m.PlanDigest != b.Manifest.Plan):
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestReasons: the reasons of a row are those of its contributions.
func TestReasons(t *testing.T) {
	t.Parallel()
	m, err := scoring.New(scoringtest.Bundle(t, scoringtest.PlanYAML, "first", 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.Plan.Vector(nil, scoringtest.Application("a", 5000, 100), m.Plan.NewState())
	if err != nil {
		t.Fatal(err)
	}
	phi := make([]float64, m.Forest.Features()+1)
	m.Forest.Contributions(phi, v.Values)
	got, want := m.Reasons(nil, v.Values), m.ReasonsFromContributions(nil, phi)
	if len(got) != 2 || got[0].Code != "R01" || got[1].Code != "R02" || !reflect.DeepEqual(got, want) {
		t.Errorf("reasons %+v, of the contributions %+v; want the amount's and the income's", got, want)
	}
}

// TestCheckPlan: what no server would open is found before there is a model.
func TestCheckPlan(t *testing.T) {
	t.Parallel()
	b := scoringtest.Bundle(t, scoringtest.PlanYAML, "first", 0)
	plan, err := features.LoadPlan(b.Plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := scoring.CheckPlan(plan, nil); err != nil {
		t.Error(err)
	}
	if err := scoring.CheckPlan(plan, []byte("name: p\n  bad")); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a policy that cannot be read: %v", err)
	}
}
