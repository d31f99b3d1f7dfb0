// SPDX-License-Identifier: Apache-2.0

package window

import (
	"fmt"
	"math"
	"testing"
)

// TestDistinctAfterBurst: a key that had very many members counts few of them
// exactly as soon as the many have left, and estimates well while they leave.
func TestDistinctAfterBurst(t *testing.T) {
	for _, burst := range []int{260, 20_000} {
		tab := New(0, []Config{{Length: 1000, Hop: 100, Needs: Distinct}})
		at := int64(0)
		add := func(name string) {
			tab.Advance(at)
			tab.Add([]byte("k"), 0, at, 1, Hash(name))
		}
		read := func() float64 {
			var r Reading
			tab.Read(tab.Find([]byte("k")), 0, at, &r)
			return r.Distinct
		}
		for i := range burst {
			at = int64(i) * 500 / int64(burst) // in five panes
			add(fmt.Sprint("burst ", i))
		}
		for at = 500; at < 5000; at++ {
			add(fmt.Sprint("steady ", at%10))
			live := 10.0
			if at < 510 {
				live = float64(at - 499)
			}
			if from := (at - 1000) / 100 * 100; at < 1000 {
				live += float64(burst)
			} else if from < 500 {
				live += float64(burst) * float64(500-from) / 500
			}
			switch got := read(); {
			case live <= DefaultMembers && got != live:
				t.Fatalf("burst of %d, time %d: %v members, want %v exactly", burst, at, got, live)
			case math.Abs(got-live) > 5*1.2/math.Sqrt(DefaultMembers)*live:
				t.Fatalf("burst of %d, time %d: %v members, want about %v", burst, at, got, live)
			}
		}
	}
}

// TestShareOfCreditNotes: what a member took back counts against it.
func TestShareOfCreditNotes(t *testing.T) {
	tab := New(0, []Config{{Length: 90, Hop: 3, Needs: Share}})
	for i, e := range []struct {
		member string
		value  float64
	}{{"x", 100}, {"x", -80}, {"y", 30}} {
		tab.Advance(int64(i))
		tab.Add([]byte("k"), 0, int64(i), e.value, Hash(e.member))
	}
	var r Reading
	if tab.Read(tab.Find([]byte("k")), 0, 3, &r); r.Share != 0.6 {
		t.Errorf("the share is %v, want 30 of 50", r.Share)
	}
	tab.Add([]byte("k"), 0, 3, -50, Hash("z"))
	if tab.Read(tab.Find([]byte("k")), 0, 3, &r); r.Share == r.Share {
		t.Errorf("the share of a sum of zero is %v, want none", r.Share)
	}
}

// TestShareOverManyPanes: twenty members, each in every one of thirty panes, are
// far fewer than the bound of 128, and one that grows late is seen at once.
func TestShareOverManyPanes(t *testing.T) {
	tab := New(0, []Config{{Length: 30, Hop: 1, Needs: Share}})
	for day := range int64(31) {
		tab.Advance(day)
		for m := range 20 {
			x := 1.0
			switch {
			case m == 19 && day < 27:
				x = 0.9
			case m == 19:
				x = 10
			}
			tab.Add([]byte("k"), 0, day, x, Hash(fmt.Sprint(m)))
		}
	}
	var r Reading
	tab.Read(tab.Find([]byte("k")), 0, 30, &r)
	grown := 27*0.9 + 4*10.0
	if want := grown / (19*31 + grown); math.Abs(r.Share-want) > 1e-12 {
		t.Errorf("the share is %v, want %v", r.Share, want)
	}
}

// TestSampleBeyondBound: beyond its bound a sample's quantiles are as near as
// those of half as many values drawn at random.
func TestSampleBeyondBound(t *testing.T) {
	tab := New(0, []Config{{Length: 10_000, Hop: 100, Needs: Sample}})
	for i := range int64(50_000) {
		tab.Advance(i)
		tab.Add([]byte("k"), 0, i, float64(i*7919%10_007), 0)
		if i%500 != 499 {
			continue
		}
		var r Reading
		tab.Read(tab.Find([]byte("k")), 0, i, &r)
		if n := len(r.Values); n > DefaultSamples || i > 1000 && n < DefaultSamples/4 {
			t.Fatalf("at %d: %d values", i, n)
		}
		if median := r.Values[len(r.Values)/2] / 10_007; math.Abs(median-0.5) > 5*0.5/math.Sqrt(DefaultSamples/2) {
			t.Fatalf("at %d: the median is at %v of the range", i, median)
		}
	}
}
