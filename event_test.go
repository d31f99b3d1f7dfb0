// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestTwice: a field that is given twice is found at every position, and no
// other event is refused for it; the slow twin compares all pairs.
func TestTwice(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 20_000 {
		e := Event{ID: "e", Kind: "k", Time: time.Unix(1, 0)}
		n := r.IntN(30)
		if r.IntN(20) == 0 {
			n = r.IntN(200)
		}
		for range n {
			name := fmt.Sprintf("%0*d", 1+r.IntN(24), r.IntN(1<<r.IntN(18)))
			e.Fields = append(e.Fields, Field{Name: name})
		}
		twice := false
		for i := range e.Fields {
			for j := range i {
				twice = twice || e.Fields[i].Name == e.Fields[j].Name
			}
		}
		if err := e.Validate(); (err != nil) != twice {
			t.Fatalf("%d fields: %v, want given twice: %v", n, err, twice)
		}
		if twice {
			refused++
		}
	}
	if refused < 1000 || refused > 19_000 {
		t.Errorf("%d of 20,000 were refused: the test has lost its balance", refused)
	}
}

func BenchmarkValidate(b *testing.B) {
	e := Event{ID: "e", Kind: "k", Time: time.Unix(1, 0)}
	for i := range 24 {
		e.Fields = append(e.Fields, Field{Name: fmt.Sprintf("field%02d", i), Value: NumberValue(1)})
	}
	for b.Loop() {
		if err := e.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}
