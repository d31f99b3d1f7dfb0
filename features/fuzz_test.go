// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
)

// FuzzParseSpec: a plan is read, or refused with a *plantext.SpecError. A plan
// that was read is written as YAML that gives the same YAML when it is read again.
func FuzzParseSpec(f *testing.F) {
	credit, err := datasets.Plan("credit_data")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(credit)
	f.Add(scf.Plan())
	f.Add([]byte("version: 1\nfields: [{name: x}]\nfeatures: [{name: x}]\n"))
	f.Add([]byte("version: 1\nfields: [{name: x}]\nfeatures: [{name: a, kernel: log1p, of: b}, {name: b, kernel: " +
		"log1p, of: a}]\n"))
	f.Add([]byte(lookupPlan))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("version: 1\nfields:\n- name: \"\\u0000\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := features.ParseSpec(b)
		if err != nil {
			var se *plantext.SpecError
			if !errors.As(err, &se) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := features.ParseSpec(s.YAML())
		if err != nil {
			t.Fatalf("%v in what was written:\n%s", err, s.YAML())
		}
		if !bytes.Equal(again.YAML(), s.YAML()) {
			t.Fatalf("written twice, it differs:\n%s\n%s", s.YAML(), again.YAML())
		}
	})
}

// FuzzLoadPlan: LoadPlan accepts canonical bytes alone, and returns an error that
// matches ErrCorrupt for all others; a plan that was loaded can be used.
func FuzzLoadPlan(f *testing.F) {
	p, _ := scfPlan(f, scf.Config{Seed: 1, Events: 2000})
	f.Add(p.Frozen())
	f.Add(bytes.Replace(p.Frozen(), []byte("ratio"), []byte("cross"), 1))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := features.LoadPlan(b)
		if err != nil {
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if !bytes.Equal(p.Frozen(), b) {
			t.Fatal("loaded bytes are not the frozen ones")
		}
		ev := assay.Event{ID: "a", Kind: p.Event(), Time: time.Unix(1_700_000_000, 0)}
		if _, err := p.Vector(nil, &ev, p.NewState()); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzEvent decodes an event from bytes, as a journal has them, and computes its
// features: every event that Validate accepts gives a vector of the right length
// without infinities, and Read agrees with Validate and Vector.
func FuzzEvent(f *testing.F) {
	p, _ := scfPlan(f, scf.Config{Seed: 1, Events: 2000})
	n := 0
	for ev := range scf.New(scf.Config{Seed: 1, Events: 200}).Events() {
		if n++; n%20 == 0 {
			b, err := ev.MarshalBinary()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	st := p.NewState()
	f.Fuzz(func(t *testing.T, b []byte) {
		ev, err := assay.ParseEvent(b)
		if err != nil {
			return
		}
		readsAsValidated(t, p, &ev, st)
		if err := p.Validate(&ev); err != nil {
			var fe *assay.FieldError
			if !errors.As(err, &fe) {
				t.Fatalf("an error that names no field: %v", err)
			}
			return
		}
		if ev.Kind == p.Event() {
			v, err := p.Vector(nil, &ev, st)
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Values) != len(p.Features()) {
				t.Fatalf("%d values of %d features", len(v.Values), len(p.Features()))
			}
			for i, x := range v.Values {
				if math.IsInf(x, 0) {
					t.Fatalf("feature %d is infinite", i)
				}
			}
		}
		if err := p.Observe(&ev, st); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSpecYAML writes a spec with every key set, and reads it back.
func TestSpecYAML(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		t.Fatal(err)
	}
	low := 0.5
	s.Fields[1].Missing, s.Fields[1].Outside, s.Fields[1].Text, s.Fields[1].Unit = &plantext.MissingSpec{Allowed: true},
		"clip", "a: text", "EUR"
	s.Fields[2].Missing, s.Fields[1].Written = &plantext.MissingSpec{Allowed: true,
		Marks: []string{"NA", "?", "-999", "null"}}, "1.234,56 EUR"
	s.Features[0].Fill, s.Features[0].Sensitive = &low, true
	s.Clean = &plantext.CleanSpec{Duplicates: []string{"id"},
		Outliers: &plantext.OutlierSpec{Share: 0.01, Trees: 50, Sample: 100, Drop: true}}
	again, err := features.ParseSpec(s.YAML())
	if err != nil {
		t.Fatalf("%v\n%s", err, s.YAML())
	}
	if !bytes.Equal(again.YAML(), s.YAML()) {
		t.Errorf("another spec came back:\n%s\n%s", s.YAML(), again.YAML())
	}
	rec, err := features.EventTable(s, scf.New(scf.Config{Seed: 1, Events: 2000}).Events())
	if err != nil {
		t.Fatal(err)
	}
	a, _, err := features.Fit(context.Background(), s, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := features.Fit(context.Background(), again, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Digest() != b.Digest() {
		t.Error("the spec that was read back freezes to another digest")
	}
}
