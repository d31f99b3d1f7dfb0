// SPDX-License-Identifier: Apache-2.0

package plantext

import "slices"

// DerivedSpec declares a value that is computed from one event's own fields, of
// whatever kind the event is, for windows to aggregate or to choose by: days
// late, or an amount in the company's currency.
type DerivedSpec struct {
	Name string `yaml:"name" json:"name"`
	// a kernel that learns nothing: ratio, days_between, ...
	Kernel string `yaml:"kernel" json:"kernel"`
	// fields, event.time, or derived values declared before
	Of       Names     `yaml:"of" json:"of"`
	Bounds   []float64 `yaml:"bounds,omitempty" json:"bounds,omitempty"` // clip, outside
	Edges    []float64 `yaml:"edges,omitempty" json:"edges,omitempty"`   // bucket
	Step     float64   `yaml:"step,omitempty" json:"step,omitempty"`     // round_amount
	DatePart string    `yaml:"part,omitempty" json:"part,omitempty"`     // date_part
	Zone     string    `yaml:"zone,omitempty" json:"zone,omitempty"`     // date_part
}

// Feature is the feature that computes the same value from a scored event.
func (d *DerivedSpec) Feature() *FeatureSpec {
	return &FeatureSpec{
		Name: d.Name, Kernel: d.Kernel, Of: d.Of,
		Bounds: d.Bounds, Edges: d.Edges, Step: d.Step, DatePart: d.DatePart, Zone: d.Zone,
	}
}

// DerivedIndex returns the index of a derived value, or -1.
func (s *Spec) DerivedIndex(name string) int {
	return slices.IndexFunc(s.Derived, func(d DerivedSpec) bool { return d.Name == name })
}

// FieldsOfDerived are the fields that a derived value reads, directly or not.
func (s *Spec) FieldsOfDerived(name string) []string {
	i := s.DerivedIndex(name)
	if i < 0 {
		return nil
	}
	var out []string
	for _, n := range s.Derived[i].Of {
		if s.FieldIndex(n) >= 0 {
			out = append(out, n)
		} else {
			out = append(out, s.FieldsOfDerived(n)...)
		}
	}
	return out
}

// MaxDerived bounds the derived values of a plan.
const MaxDerived = 256
