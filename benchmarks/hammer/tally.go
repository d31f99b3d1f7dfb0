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
		first []string       // descriptions of the first violations
	}
}

// maxPrinted is the number of violations that are printed at most.
const maxPrinted = 20

// violate counts a violation.
func (t *tally) violate(format string, args ...any) {
	t.violations.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.first) < maxPrinted {
		t.mu.first = append(t.mu.first, fmt.Sprintf(format, args...))
	}
}

// countDisturbance counts a disturbance.
func (t *tally) countDisturbance(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.done == nil {
		t.mu.done = map[string]int{}
	}
	t.mu.done[kind]++
}

func (t *tally) firstViolations() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.mu.first)
}

// String is the line of totals.
func (t *tally) String() string {
	return fmt.Sprintf("%d decisions acknowledged, %d asked for again and compared, %d receipts verified, %d with an "+
		"anchor, %d calls tried again, %d violations",
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

// reply is an acknowledged decision, as its caller received it.
type reply struct {
	id        string
	sequence  uint64
	canonical []byte
	promise   []byte
	at        time.Time
}

// activations are the models and policies that the hammer has activated or tried
// to activate.
type activations struct {
	mu struct {
		sync.Mutex
		models, policies map[assay.Digest]bool
	}
}

func (k *activations) addModel(d assay.Digest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.models == nil {
		k.mu.models = map[assay.Digest]bool{}
	}
	k.mu.models[d] = true
}

func (k *activations) addPolicy(d assay.Digest) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.mu.policies == nil {
		k.mu.policies = map[assay.Digest]bool{}
	}
	k.mu.policies[d] = true
}

// allows reports whether the decision names such a model and such a policy.
func (k *activations) allows(d *assay.Decision) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mu.models[d.Score.Model] && k.mu.policies[d.Policy]
}
