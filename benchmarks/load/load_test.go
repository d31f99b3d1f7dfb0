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
		if err != nil || r.PerSecond < 390 || r.PerSecond > 401 || r.P50 != 10*time.Millisecond || r.P99 != 10*time.Millisecond {
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
		if _, err := Closed(t.Context(), 1, time.Second, func(ctx context.Context, _, _ int) error { time.Sleep(time.Minute); return nil }); err == nil {
			t.Error("a run without an answer gave a rate")
		}
	})
}

func TestFresh(t *testing.T) {
	m := []byte("a" + ID + "b" + ID)
	x, y := Fresh(m), Fresh(m)
	if bytes.Equal(x, y) || bytes.Contains(x, []byte(ID)) || len(x) != len(m) || !bytes.Equal(x[1:25], x[26:]) {
		t.Errorf("fresh requests %q and %q", x, y)
	}
}
