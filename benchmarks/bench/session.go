// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// session measures areas one after another and keeps what each gave at once.
type session struct {
	root   string           // results, pages and plots go below it
	bin    string           // the built programs
	broken map[string]error // areas whose programs do not build
	watch  *watch
	options
}

// spared is left of an area's time when its program has planned to be done.
const spared = 45 * time.Second

// measure runs the areas. What one gives is written before the next begins; the
// error at the end names those that failed.
func (s *session) measure(ctx context.Context, r *results, todo []area) error {
	var failed []error
	for _, a := range todo {
		out := s.area(ctx, a)
		out.Commit, out.Time = r.Commit, time.Now().UTC().Format(time.RFC3339)
		if out.Error != "" {
			failed = append(failed, fmt.Errorf("%s: %s", a.Name, out.Error))
		}
		fmt.Printf("== %s took %.0f s; others used %.1f %% of the machine meanwhile\n", a.Name,
			out.Seconds, 100*out.Meanwhile)
		if !out.Quiet {
			fmt.Printf("%s: the machine was busy with other work: do not trust these figures\n", a.Name)
		}
		r.Areas = append(r.Areas, out)
		if err := errors.Join(save(s.root, r), renderNewest(s.root)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			failed = append(failed, context.Cause(ctx))
			break
		}
	}
	return errors.Join(failed...)
}

// area measures one, with its budget, and keeps how quiet the machine was.
func (s *session) area(ctx context.Context, a area) outcome {
	out := outcome{Area: a.Name, Skipped: a.lacks(s.options)}
	if err := s.broken[a.Name]; err != nil {
		out.Error = err.Error()
		return out
	}
	if a.Peers && s.python == "" {
		out.Quiet = true
		fmt.Printf("== %s: left out: %s\n", a.Name, out.Skipped)
		return out
	}
	runs := a.Runs
	if s.short {
		runs = [][]string{a.Short}
	} else if !a.Exact {
		out.Before = s.watch.settle(ctx, s.wait)
		s.wait -= time.Duration(out.Before.Waited * float64(time.Second))
	}
	fmt.Printf("== %s, at most %v; others use %.1f %% of the machine, spin loop at %.1f %% of its best\n", a.Name,
		a.Budget, 100*out.Before.Others, 100*out.Before.Spin)
	ctx, cancel := context.WithTimeoutCause(ctx, a.Budget, fmt.Errorf("stopped after its %v", a.Budget))
	defer cancel()
	start, busy := time.Now(), s.watch.mark()
	for _, args := range runs {
		out.Commands = append(out.Commands, tidy(args, s.options, a.program()))
		if end, ok := ctx.Deadline(); ok && a.Within && !s.short {
			args = append(args[:len(args):len(args)], "-within", (time.Until(end) - spared).Round(time.Second).String())
		}
		figures, err := a.runOne(ctx, s.bin, args)
		out.Figures = append(out.Figures, figures...)
		if err != nil {
			out.Error = err.Error()
			break
		}
	}
	out.Seconds = time.Since(start).Seconds()
	out.Meanwhile = s.watch.since(busy)
	out.Quiet = a.Exact || out.Before.quiet() && out.Meanwhile <= quietOthers
	if len(out.Figures) == 0 && out.Error == "" {
		out.Error = "it printed no figure"
	}
	return out
}
