// SPDX-License-Identifier: Apache-2.0

package load

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := Closed(t.Context(), 4, time.Second, func(context.Context, int, int) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		})
		if err != nil || r.PerSecond < 390 || r.PerSecond > 401 || r.P50 != 10*time.Millisecond ||
			r.P99 != 10*time.Millisecond {
			t.Errorf("%+v, %v; want 400 a second at 10 ms", r, err)
		}
		broken := errors.New("broken")
		if _, err := Closed(t.Context(), 2, time.Second, func(_ context.Context, _, k int) error {
			time.Sleep(time.Millisecond)
			if k == 3 {
				return broken
			}
			return nil
		}); !errors.Is(err, broken) {
			t.Errorf("an error of a call gave %v", err)
		}
		if _, err := Closed(t.Context(), 1, time.Second, func(ctx context.Context, _, _ int) error {
			time.Sleep(time.Minute)
			return nil
		}); err == nil {
			t.Error("a run without an answer gave a rate")
		}
	})
}

func TestTemplate(t *testing.T) {
	m := NewTemplate([]byte("a" + ID + "b" + ID + "c" + ID + "d" + ID))
	x, y := m.Next(), m.Next()
	seen := map[string]int{}
	for _, b := range [][]byte{x, y} {
		if len(b) != len(m.bytes) || bytes.Contains(b, []byte(ID)) {
			t.Fatalf("the message became %q", b)
		}
		for k := range 4 {
			seen[string(b[k*(len(ID)+1)+1:][:len(ID)])]++
		}
	}
	if len(seen) != 4 {
		t.Errorf("two messages of two requests have the ids %v", seen)
	}
	for id, n := range seen {
		if n != 2 {
			t.Errorf("%s occurs %d times, want twice: for a request and its event", id, n)
		}
	}
	none := NewTemplate([]byte("no id"))
	if b := none.Next(); string(b) != "no id" || &b[0] == &none.bytes[0] {
		t.Errorf("a message without an id became %q", b)
	}
}
