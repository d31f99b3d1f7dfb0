// SPDX-License-Identifier: Apache-2.0

package store

import (
	"testing"

	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// TestLaterRecordAnswers gives the store so many requests that it sorts them into a file, each of them twice: each
// leads to its later record.
func TestLaterRecordAnswers(t *testing.T) {
	t.Parallel()
	const requests = maxLoggedTags
	s := openTest(t, t.TempDir(), 0)
	g := &Group{Count: 2 * requests, Tags: make([]recordfile.Tag, 2*requests)}
	for i := range g.Tags {
		g.Tags[i] = testTag(uint64(i / 2))
		s.NoteRequest(g.Tags[i])
	}
	s.Add(g)
	ask := func() {
		t.Helper()
		for i := range uint64(requests) {
			if seq, ok, err := s.Find(testTag(i)); seq != 2*i+1 || !ok || err != nil {
				t.Fatalf("request %d leads to record %d, %v, %v; want %d", i, seq, ok, err, 2*i+1)
			}
		}
	}
	ask() // of what waits
	finished := make(chan struct{})
	close(finished)
	if err := s.Run(finished, nil); err != nil {
		t.Fatal(err)
	}
	ask() // of the database
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
