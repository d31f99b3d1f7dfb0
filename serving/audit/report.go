// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"slices"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
)

// Difference is a past decision that comes out differently when it is made again,
// or another record that does not say what it must.
type Difference struct {
	Sequence uint64 `json:"sequence"`
	Differs  string `json:"what"` // the first part that differs
}

// Report is the result of an audit.
type Report struct {
	Records   int `json:"records"`   // replayed, from the journal's beginning
	Decisions int `json:"decisions"` // in the range that was asked for
	Same      int `json:"same"`      // made again, with the same bytes
	// Partly counts decisions whose features come out differently, because windows
	// that they read lack what they had then: score, policy and reasons were made
	// again from the vector in the record, and are the same.
	Partly        int            `json:"partly"`
	PartlyReasons []PartlyReason `json:"partly_reasons,omitempty"`
	// Mended counts decisions by an earlier version of the window kernels that
	// differ only in features that were corrected since: score, policy and reasons
	// were made again from the vector in the record, and are the same.
	Mended         int             `json:"mended"`
	MendedFeatures []MendedFeature `json:"mended_features,omitempty"`

	// decisions whose personal part is gone: their subject was erased, or their retention has passed
	Erased      int          `json:"erased"`
	Unknown     int          `json:"unknown"` // decisions by a model or policy that the auditor does not have
	Differences []Difference `json:"differences,omitempty"`
	Different   int          `json:"different"`
	// Kinds counts the records of every kind in the range.
	Kinds []Kind `json:"kinds"`
}

// MendedFeature counts the decisions for which an earlier version of a window
// kernel computed another value of the feature.
type MendedFeature struct {
	features.CorrectedFeature
	Kernels   int `json:"kernels"` // the version that decided, see features.WindowKernels; 0 if it cannot be read
	Decisions int `json:"decisions"`
}

// PartlyReason says in words why decisions could be made again only in part.
type PartlyReason struct {
	Reason    string `json:"reason"`
	Decisions int    `json:"decisions"`
	First     uint64 `json:"first"` // the number of the first
}

// OK reports whether nothing differs.
func (r *Report) OK() bool { return r.Different == 0 }

// maxDifferences bounds Report.Differences; Report.Different counts all.
const maxDifferences = 100

// Kind counts the records of one kind in an audit's range. What Checked
// means differs:
//
//	decision       the event was read and fed to the windows; the rest of Report says how the decision compares
//	event          the event was read and fed to the windows
//	failed         the same, if there was an event when the request failed
//	activation     the auditor has the bundle that it names, so that its decisions can be made again; it keeps the
//	               policy in force or has the text of the new one; that text has the digest that it names
//	policy         the text has the digest that the record and the decisions name
//	shadow         challengers that the auditor has give the decision's vector the same scores, bit for bit
//	erasure        it names the key that was destroyed (assay ledger fsck checks that no file still has it)
//	key rotation   it says how many keys were wrapped anew
//	report         it names the digest of a report
//	tick           what it changes was due by its own time
type Kind struct {
	Kind       string `json:"kind"`
	Records    int    `json:"records"`
	Checked    int    `json:"checked"`
	Unreadable int    `json:"unreadable"` // the subject was erased, or the retention period has passed
}

// kindCount returns the count of a kind. For a record that is not wanted the count
// is thrown away.
func (r *Report) kindCount(k ledger.Kind, wanted bool) *Kind {
	if !wanted {
		return new(Kind)
	}
	for i := range r.Kinds {
		if r.Kinds[i].Kind == k.String() {
			return &r.Kinds[i]
		}
	}
	r.Kinds = append(r.Kinds, Kind{Kind: k.String()})
	return &r.Kinds[len(r.Kinds)-1]
}

// addDifference adds a record that differs.
func (r *Report) addDifference(seq uint64, what string) {
	r.Different++
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, Difference{seq, what})
	}
}

// addPartly counts a decision that was made again only in part.
func (r *Report) addPartly(seq uint64, reason string) {
	r.Partly++
	k := slices.IndexFunc(r.PartlyReasons, func(p PartlyReason) bool { return p.Reason == reason })
	if k < 0 {
		k, r.PartlyReasons = len(r.PartlyReasons), append(r.PartlyReasons, PartlyReason{reason, 0, seq})
	}
	r.PartlyReasons[k].Decisions++
}

// addMended counts a decision that differs only in features that were corrected.
func (r *Report) addMended(kernels int, of []features.CorrectedFeature) {
	r.Mended++
	for _, m := range of {
		k := slices.IndexFunc(r.MendedFeatures, func(f MendedFeature) bool {
			return f.CorrectedFeature == m && f.Kernels == kernels
		})
		if k < 0 {
			k, r.MendedFeatures = len(r.MendedFeatures),
				append(r.MendedFeatures, MendedFeature{CorrectedFeature: m, Kernels: kernels})
		}
		r.MendedFeatures[k].Decisions++
	}
}
