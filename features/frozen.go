// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// frozenFormat names the format of a frozen plan: JSON with the keys in the
// order of the structs below, two spaces of indentation, and a final newline.
// It is canonical: LoadPlan accepts exactly the bytes that Frozen writes.
const frozenFormat = "assay/plan/v1"

// planTag separates plan digests from all others. It never changes.
const planTag = "assay/plan/v1\n"

type frozenPlan struct {
	Format  string                 `json:"format"`
	Spec    *plantext.Spec         `json:"spec"`
	Rows    int                    `json:"rows"`               // training rows that the plan was fitted on
	BadRate *float64               `json:"bad_rate,omitempty"` // their mean label, if there is one
	Zones   []eventtime.FrozenZone `json:"zones,omitempty"`    // those that the spec names, sorted
	Texts   []frozenTexts          `json:"texts,omitempty"`    // dictionaries, in the order of fields
	Learned []kernels.Learned      `json:"learned"`            // in the order of the spec's features
}

type frozenTexts struct {
	Field string   `json:"field"`
	Texts []string `json:"texts"` // sorted; a text's place is its raw code
}

// maxFrozenBytes bounds what LoadPlan reads.
const maxFrozenBytes = 64 << 20

func (f *frozenPlan) bytes() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("freezing the plan: %w", err)
	}
	return b.Bytes(), nil
}

// LoadPlan reads a frozen plan. It accepts only the canonical bytes, so that
// equal plans have equal digests. Errors match assay.ErrCorrupt.
func LoadPlan(b []byte) (*Plan, error) {
	if len(b) > maxFrozenBytes {
		return nil, fmt.Errorf("plan: %d bytes, at most %d are allowed: %w", len(b), maxFrozenBytes, assay.ErrCorrupt)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	f := new(frozenPlan)
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("plan: %w: %w", err, assay.ErrCorrupt)
	}
	if f.Format != frozenFormat || f.Spec == nil {
		return nil, fmt.Errorf("plan: format %q, want %q: %w", f.Format, frozenFormat, assay.ErrCorrupt)
	}
	again, err := f.bytes()
	if err != nil || !bytes.Equal(again, b) {
		return nil, fmt.Errorf("plan: the bytes are not a frozen plan in canonical form: %w", assay.ErrCorrupt)
	}
	if f.Spec.Lateness == "" && len(f.Spec.Windows) > 0 { // fitted before there was a default
		f.Spec.Lateness = "0s"
	}
	if err := plancheck.CheckFrozen(f.Spec); err != nil {
		return nil, fmt.Errorf("plan: %w: %w", err, assay.ErrCorrupt)
	}
	p, err := newPlan(f, b)
	if err != nil {
		return nil, fmt.Errorf("plan: %w: %w", err, assay.ErrCorrupt)
	}
	return p, nil
}
