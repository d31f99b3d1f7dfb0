// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"

	"github.com/assayrisk/assay/features/plantext"
)

// WindowKernels is the version of what windows compute of the same events.
//
//	1  until 2026-11-30
//	2  fields with outside: missing or clip hold before windows; distinct comes back after a burst; share counts
//	   negative values, and is exact up to members over any number of hops
//
// A server writes it into the record of its start, so that an audit by a later
// version knows by which one a decision was made. Whoever mends a kernel raises
// it, and says in MendedSince which features that concerns.
const WindowKernels = 2

// Mended is a feature that windows of an earlier version may have read otherwise.
type Mended struct {
	Feature string `json:"feature"`
	Why     string `json:"why"` // what was mended, for people
}

// MendedSince lists the features in the vector that may differ from what windows
// of an earlier version made of the same events. All others have the same bits.
func (p *Plan) MendedSince(version int) []Mended {
	if version >= WindowKernels {
		return nil
	}
	windows, why := windowsThatSawRaw(p.spec), map[string]string{}
	for range p.spec.Features { // a feature may read one that is declared later
		for i := range p.spec.Features {
			if f := &p.spec.Features[i]; why[f.Name] == "" {
				why[f.Name] = mended(p.spec, f, windows, why)
			}
		}
	}
	var out []Mended
	for _, f := range p.info {
		if why[f.Name] != "" {
			out = append(out, Mended{f.Name, why[f.Name]})
		}
	}
	return out
}

// mended says what was mended of a feature, "" if nothing was. windows and
// features say it of what the feature reads.
func mended(s *plantext.Spec, f *plantext.FeatureSpec, windows, features map[string]string) string {
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

// windowsThatSawRaw are the windows that read a field whose outside changes
// values before features see them; they saw the values unchanged.
func windowsThatSawRaw(s *plantext.Spec) map[string]string {
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
