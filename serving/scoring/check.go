// SPDX-License-Identifier: Apache-2.0

package scoring

import (
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

// CheckBundle checks a bundle, whose Model must be filled, as a server does before
// it decides by it, and returns the server's error.
func CheckBundle(b *models.Bundle) error {
	_, err := New(b, nil)
	return err
}

// CheckPlan is CheckBundle before there is a model: it finds errors in a plan or a
// policy for which a server would refuse the bundle, before a model is trained.
func CheckPlan(plan *features.Plan, policy []byte) error {
	m := &models.Model{Objective: models.Binary, Sigmoid: 1, Trees: []models.Tree{
		{LeafValue: []float64{0}, LeafHess: []float64{1}, LeafCount: []int64{1}, Shrinkage: 1}}}
	for _, f := range plan.Features() {
		m.Features = append(m.Features, models.FeatureInfo{Name: f.Name, Categorical: f.Categorical})
	}
	b := &models.Bundle{Model: m, Plan: plan.Frozen(), Scale: models.DefaultScale(), Policy: policy}
	b.Manifest.Plan = plan.Digest()
	return CheckBundle(b)
}
