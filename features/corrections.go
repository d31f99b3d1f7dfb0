// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/assayrisk/assay/features/plantext"
)

// WindowKernels is the version of the window kernels: it changes when windows
// compute something else from the same events.
//
//	1  until 2026-11-30
//	2  the `outside` rules missing and clip apply before windows; distinct recovers after a burst; share counts
//	   negative values, and is exact up to members over any number of hops
//
// A server writes it into the record of its start, so that a later audit knows
// which version made a decision. Whoever corrects a kernel raises the version, and
// states in CorrectedSince which features that concerns.
const WindowKernels = 2

// CorrectedFeature is a feature whose value may differ under an earlier version
// of the window kernels.
type CorrectedFeature struct {
	Feature string `json:"feature"`
	Why     string `json:"why"` // what was corrected, for people
}

// CorrectedSince lists the features of the vector that may differ from those that
// an earlier version of the window kernels computed from the same events. All
// others have the same bits.
func (p *Plan) CorrectedSince(version int) []CorrectedFeature {
	if version >= WindowKernels {
		return nil
	}
	windows, why := windowsFedUnclipped(p.spec), map[string]string{}
	for range p.spec.Features { // a feature may read one that is declared later
		for i := range p.spec.Features {
			if f := &p.spec.Features[i]; why[f.Name] == "" {
				why[f.Name] = correction(p.spec, f, windows, why)
			}
		}
	}
	var out []CorrectedFeature
	for _, f := range p.info {
		if why[f.Name] != "" {
			out = append(out, CorrectedFeature{f.Name, why[f.Name]})
		}
	}
	return out
}

// correction describes what was corrected in a feature, "" if nothing was; windows
// and features hold the same for what the feature reads.
func correction(s *plantext.Spec, f *plantext.FeatureSpec, windows, features map[string]string) string {
	switch {
	case windows[f.Window] != "":
		return windows[f.Window]
	case f.Kernel == "distinct":
		return "distinct stayed wrong after its key had had more members than the window keeps"
	case f.Kernel == "share":
		return "share left out negative values, and forgot members in windows of many hops"
	}
	for _, of := range s.Inputs(f) {
		if features[of] != "" && s.FieldIndex(of) < 0 {
			return fmt.Sprintf("it is made from %s, and %s", of, features[of])
		}
	}
	return ""
}

// windowsFedUnclipped returns the windows over a field whose `outside` rule changes
// values before features read them; until version 2 windows got them unchanged.
func windowsFedUnclipped(s *plantext.Spec) map[string]string {
	out := map[string]string{}
	for i := range s.Windows {
		for _, name := range s.WindowReads(i) {
			j := s.FieldIndex(name)
			if j < 0 || s.Fields[j].Outside != "missing" && s.Fields[j].Outside != "clip" {
				continue
			}
			out[s.Windows[i].Name] = fmt.Sprintf("the window %s saw values of %s beyond its range as they were, "+
				"not as `outside: %s` makes them",
				s.Windows[i].Name, name, s.Fields[j].Outside)
		}
	}
	return out
}
