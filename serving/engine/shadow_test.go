// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// TestShadowQueueIsBounded: challengers that do not keep up miss decisions and
// count them; no request waits for them.
func TestShadowQueueIsBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	e := start(t, Config{}) // Run is not called: the challengers do not score
	challenger, err := NewModel(scoringtest.Bundle(t, scoringtest.PlanYAML, "challenger", 0.5), nil, e.now())
	if err != nil {
		t.Fatal(err)
	}
	e.Shadows().Set([]*Model{challenger})
	for done := 0; done < shadowQueue+3*shadowBatch; { // decisions are answered meanwhile
		rs := e.requests(t, string(rune('a'+done/512))+"-", 512)
		e.DecideAll(t.Context(), rs)
		for i, r := range rs {
			if r.Err != nil {
				t.Fatalf("request %d: %v", done+i, r.Err)
			}
			r.Reset()
		}
		done += len(rs)
	}
	if dropped := e.Shadows().Dropped(); dropped < 3*shadowBatch || e.Shadows().Waiting() != shadowQueue {
		t.Errorf("%d dropped and %d waiting, want at least %d and %d", dropped, e.Shadows().Waiting(),
			3*shadowBatch, shadowQueue)
	}
}
