// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assayrisk/assay"
)

// tally counts what happened. Its methods may be called concurrently.
type tally struct {
	acknowledged, repeated, retried, verified, anchored, violations atomic.Int64

	mu struct {
		sync.Mutex
		done  map[string]int // disturbances by kind
		first []string       // the first violations, as a person reads them
	}
}

// kept bounds the violations that are printed.
const kept = 20

// violate counts a violation.
func (t *tally) violate(format string, args ...any) {
	t.violations.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.first) < kept {
		t.mu.first = append(t.mu.first, fmt.Sprintf(format, args...))
	}
}

// did counts a disturbance.
func (t *tally) did(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.done == nil {
		t.mu.done = map[string]int{}
	}
	t.mu.done[kind]++
}

func (t *tally) seen() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.mu.first)
}

// String is the line of totals.
func (t *tally) String() string {
	return fmt.Sprintf("%d decisions acknowledged, %d asked again and the same, %d receipts verified, %d of them "+
		"anchored, %d calls tried again, %d violations",
		t.acknowledged.Load(), t.repeated.Load(), t.verified.Load(), t.anchored.Load(),
		t.retried.Load(), t.violations.Load())
}

func (t *tally) disturbances() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for kind, n := range t.mu.done {
		out = append(out, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "nothing was disturbed"
	}
	return strings.Join(out, ", ")
}

// reply is an acknowledged decision, as its caller holds it.
type reply struct {
	id        string
	sequence  uint64
	canonical []byte
	promise   []byte
	at        time.Time
}

// known are the models and policies that somebody asked to activate.
type known struct {
	mu struct {
		sync.Mutex
		models, policies map[assay.Digest]bool
	}
}

func (k *known) model(d assay.Digest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.models == nil {
		k.mu.models = map[assay.Digest]bool{}
	}
	k.mu.models[d] = true
}

func (k *known) policy(d assay.Digest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.policies == nil {
		k.mu.policies = map[assay.Digest]bool{}
	}
	k.mu.policies[d] = true
}

// allows reports whether the decision names a model and a policy that stood.
func (k *known) allows(d *assay.Decision) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mu.models[d.Score.Model] && k.mu.policies[d.Policy]
}
