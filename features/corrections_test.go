// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"slices"
	"testing"

	"github.com/assayrisk/assay/features"
)

// TestCorrectedSince lists the features whose window kernels were corrected, and
// those that read them, also through hidden features; no other.
func TestCorrectedSince(t *testing.T) {
	t.Parallel()
	p := fitted(t, correctedPlan, cells(t, []string{"t", "kind", "buyer", "amount", "held", "flagged", "item"},
		[][]string{{"2024-01-01", "order", "b", "1", "2", "3", "x"},
			{"2024-01-02", "application", "b", "1", "2", "3", ""}}))
	var names []string
	for _, m := range p.CorrectedSince(1) {
		if m.Why == "" {
			t.Errorf("%s: nothing says why", m.Feature)
		}
		names = append(names, m.Feature)
	}
	if want := []string{"rise", "items", "top", "chosen", "half"}; !slices.Equal(names, want) {
		t.Errorf("corrected: %v, want %v", names, want)
	}
	if now := p.CorrectedSince(features.WindowKernels); len(now) != 0 {
		t.Errorf("corrected since now: %v", now)
	}
}

const correctedPlan = `
version: 1
time: t
kind: kind
entities: [buyer]
fields:
  - {name: amount, on: [application, order]}
  - {name: held, on: [application, order], min: 0, max: 10, outside: clip}
  - {name: flagged, on: [application, order], min: 0, max: 10, outside: flag}
  - {name: item, kind: text, on: [order]}
windows:
  - {name: plain, key: [buyer], on: [order], value: amount, member: item, length: 30d, may_be_empty: true}
  - {name: clipped, key: [buyer], on: [order], value: held, length: 30d, may_be_empty: true}
  - {name: chosen, key: [buyer], on: [order], where: {field: held, above: 1}, length: 30d, may_be_empty: true}
  - {name: flags, key: [buyer], on: [order], value: flagged, length: 30d, may_be_empty: true}
features:
  - {name: amount}
  - {name: rise, kernel: difference, of: [amount, hidden_sum]}
  - {name: count, kernel: count, window: plain}
  - {name: total, kernel: window_sum, window: flags}
  - {name: items, kernel: distinct, window: plain}
  - {name: top, kernel: share, window: plain}
  - {name: hidden_sum, kernel: window_sum, window: clipped, hidden: true}
  - {name: chosen, kernel: count, window: chosen}
  - {name: half, kernel: ratio, of: [count, items]}
`
