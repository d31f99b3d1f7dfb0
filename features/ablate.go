// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// Stage is how much engineering a spec keeps.
type Stage uint8

// The stages: raw fields alone, then derived features too, then windows too.
const (
	RawFields Stage = iota
	Derived
	Windowed
)

// String names the stage.
func (s Stage) String() string {
	return [...]string{"raw fields", "derived features", "windows"}[min(s, Windowed)]
}

// Ablate returns the spec cut down to a stage, to be fitted and trained like
// the whole: what the rest adds is what the engineering is worth.
//
//	RawFields  one feature for each number, flag and text of the scored event
//	Derived    the spec's features that read no window, directly or not
//	Windowed   the spec as it is
func Ablate(s *plantext.Spec, stage Stage) (*plantext.Spec, error) {
	out := s.WithDefaults()
	switch stage {
	case RawFields:
		out.Windows, out.Features = nil, nil
		for i := range s.Fields {
			f := &s.Fields[i]
			if s.Carries(f, s.ScoredKind()) && f.Kind != "time" {
				out.Features = append(out.Features, plantext.FeatureSpec{Name: f.Name})
			}
		}
	case Derived:
		windowed, err := windowed(s)
		if err != nil {
			return nil, err
		}
		out.Windows, out.Features = nil, nil
		for i := range s.Features {
			if !windowed[i] {
				out.Features = append(out.Features, s.Features[i])
			}
		}
	}
	if err := plancheck.Check(out); err != nil {
		return nil, fmt.Errorf("the plan has nothing left at the stage of %s: %w", stage, err)
	}
	return out, nil
}

// windowed marks the features that read a window, directly or through others.
func windowed(s *plantext.Spec) ([]bool, error) {
	order, err := plancheck.FeatureOrder(s)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(s.Features))
	for _, i := range order {
		f := &s.Features[i]
		out[i] = f.Window != ""
		for _, n := range s.Inputs(f) {
			if j := s.FeatureIndex(n); j >= 0 && s.FieldIndex(n) < 0 {
				out[i] = out[i] || out[j]
			}
		}
	}
	return out, nil
}
