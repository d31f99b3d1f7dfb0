// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
)

// With opens the journal in dir, which no server may run on, runs it while do
// works on it, makes durable and publishes what do appended, and closes it.
func With(ctx context.Context, dir string, cfg Config, do func(j *Journal) error) error {
	j, err := Open(ctx, dir, cfg)
	if err != nil {
		return err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- j.Run(run) }()
	err = do(j)
	stop()
	return errors.Join(err, <-done, j.Close())
}
