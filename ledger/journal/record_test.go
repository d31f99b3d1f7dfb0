// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"errors"
	"testing"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

func FuzzParsePersonal(f *testing.F) {
	r := decision(3, "s")
	f.Add(r.appendPersonal(nil))
	f.Add(make([]byte, 38))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := r.parsePersonal(b); err != nil {
			return
		}
		var again Record
		if err := again.parsePersonal(r.appendPersonal(nil)); err != nil || again.Subject != r.Subject ||
			!bytes.Equal(again.Private, r.Private) || again.Body != r.Body {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	r := decision(9, "subject")
	var got Record
	if err := got.parsePersonal(r.appendPersonal(nil)); err != nil {
		t.Fatal(err)
	}
	if got.Subject != r.Subject || got.Caller != r.Caller || got.RequestID != r.RequestID || got.Body != r.Body ||
		!bytes.Equal(got.Decision, r.Decision) || !bytes.Equal(got.Vector, r.Vector) ||
		!bytes.Equal(got.Private, r.Private) {
		t.Fatalf("%+v came back as %+v", r, got)
	}
	full := r.appendPersonal(nil)
	for n := range full {
		if err := new(Record).parsePersonal(full[:n]); err == nil {
			t.Fatalf("cut to %d bytes: accepted", n)
		}
	}
	if err := new(Record).parsePersonal(append(full, 0)); err == nil {
		t.Fatal("bytes after the end were accepted")
	}
	if got.Body == (assay.Digest{}) {
		t.Fatal("the body's digest is lost")
	}
}

// TestPartyNotLookedUp refuses a record that names nobody as a party, and stores a failed one in its place.
func TestPartyNotLookedUp(t *testing.T) {
	t.Parallel()
	j, _ := start(t, t.TempDir(), Config{})
	r := decision(0, "buyer")
	r.Parties = []Party{{}}
	if _, err := j.Append(t.Context(), j.Take(), r); !errors.Is(err, assay.ErrInvalid) {
		t.Fatalf("%v, want %v", err, assay.ErrInvalid)
	}
	if got, err := j.Get(0); err != nil || got.Kind != ledger.Failed {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzParseBusiness reads damaged business parts: what is read is written as it was.
func FuzzParseBusiness(f *testing.F) {
	owner := vault.ID{1}
	f.Add((&Record{Business: []byte("what stays")}).appendBusiness(nil, owner))
	f.Add(append([]byte{2, 0, 1}, make([]byte, 20)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Record
		if err := r.parseBusiness(b, owner); err != nil {
			if !errors.Is(err, assay.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if len(r.PartyNumbers) > maxParties || len(r.Business) > len(b) {
			t.Fatalf("%d parties and %d bytes of %d", len(r.PartyNumbers), len(r.Business), len(b))
		}
	})
}
