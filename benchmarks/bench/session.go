// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// session measures areas one after another, and saves each one's figures before
// the next begins.
type session struct {
	root        string           // results, pages and plots are written below it
	bin         string           // directory of the built programs
	buildErrors map[string]error // areas whose programs do not build
	watch       *machineWatch
	options
}

// finishingTime is kept back from an area's time: its program plans to finish
// this long before it would be stopped.
const finishingTime = 45 * time.Second

// measureAll runs the areas. The figures of one are written before the next
// begins; the error at the end names the areas that failed.
func (s *session) measureAll(ctx context.Context, r *results, todo []area) error {
	var failed []error
	for _, a := range todo {
		out := s.measureArea(ctx, a)
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

// measureArea measures one area within its budget, and notes how quiet the
// machine was.
func (s *session) measureArea(ctx context.Context, a area) areaResult {
	out := areaResult{Area: a.Name, Skipped: a.leftOut(s.options)}
	if err := s.buildErrors[a.Name]; err != nil {
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
	start, busy := time.Now(), s.watch.ticksNow()
	for _, args := range runs {
		out.Commands = append(out.Commands, publicCommand(args, s.options, a.program()))
		if end, ok := ctx.Deadline(); ok && a.Within && !s.short {
			args = append(args[:len(args):len(args)], "-within",
				(time.Until(end) - finishingTime).Round(time.Second).String())
		}
		figures, err := a.runOne(ctx, s.bin, args)
		out.Figures = append(out.Figures, figures...)
		if err != nil {
			out.Error = err.Error()
			break
		}
	}
	out.Seconds = time.Since(start).Seconds()
	out.Meanwhile = s.watch.othersSince(busy)
	out.Quiet = a.Exact || out.Before.quiet() && out.Meanwhile <= maxOthers
	if len(out.Figures) == 0 && out.Error == "" {
		out.Error = "it printed no figure"
	}
	return out
}
