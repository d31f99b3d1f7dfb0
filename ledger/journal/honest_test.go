// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"
)

// TestHonestRuns makes random honest histories, with restarts, erasures, stores
// that lose their end, retentions and backups, and checks each: there must be no
// alarm. ASSAY_HONEST sets how many; the default is 2.
func TestHonestRuns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := repetitions("ASSAY_HONEST", 2)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		g.Go(func() error {
			if err := honestRun(t, rand.New(rand.NewPCG(uint64(repetitions("ASSAY_SEED", 0)+i), 9))); err != nil {
				t.Errorf("run %d: %v", i, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	t.Logf("%d honest runs checked", n)
	t.Logf("COUNT honest_runs %d", n)
	if !t.Failed() {
		t.Logf("COUNT honest_runs_quiet %d", n)
	}
}

func honestRun(t *testing.T, rng *rand.Rand) error {
	dir, err := os.MkdirTemp(t.TempDir(), "run")
	if err != nil {
		return err
	}
	for range 2 + rng.IntN(3) {
		err := With(t.Context(), dir, Config{Logger: slog.New(slog.DiscardHandler), fileBytes: 64 << 10,
			Interval: 20e6}, func(j *Journal) error {
			add(t, j, 20+rng.IntN(300), 1+rng.IntN(16))
			switch rng.IntN(5) {
			case 0:
				_, _, err := j.Erase(context.Background(), fmt.Sprintf("subject-%d", rng.IntN(17)), "asked")
				return err
			case 1:
				_, err := j.Retire(context.Background(), rng.Uint64N(j.Stats().Durable))
				return err
			case 2:
				return j.RotateMaster(context.Background())
			case 3:
				to := filepath.Join(t.TempDir(), "backup")
				if err := j.Backup(context.Background(), to); err != nil {
					return err
				}
				copyTree(t, filepath.Join(dir, "keys"), filepath.Join(to, "keys"))
				return With(context.Background(), to, Config{Logger: slog.New(slog.DiscardHandler), RebuildLog: true},
					func(j *Journal) error {
						return j.WaitPublished(context.Background(), j.Stats().Durable)
					})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return fsckOnce(t, dir)
}
