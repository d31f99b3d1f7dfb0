// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	assay "github.com/assayrisk/assay"
)

// Bounds of the protocol. Frozen.
const (
	protocolVersion = 1
	maxLine         = 1 << 20 // bytes of a request or reply
	maxItem         = 2048    // bytes of a wrapped key
	maxName         = 200     // bytes of a master key's name
	maxShownError   = 500     // bytes of the program's own words that are passed on
)

// What a program can be asked.
const (
	opState   = "state"
	opWrap    = "wrap"
	opUnwrap  = "unwrap"
	opRotate  = "rotate"
	opDestroy = "destroy"
)

// request is one line to the program. Bytes are base64.
type request struct {
	Version int      `json:"version"`
	ID      uint64   `json:"id"`
	Op      string   `json:"op"`
	Items   [][]byte `json:"items,omitempty"` // of wrap and unwrap
	Keep    string   `json:"keep,omitempty"`  // of destroy: the newest master key
}

// reply is one line from the program.
type reply struct {
	ID               uint64    `json:"id"`
	Error            string    `json:"error"`
	Master           string    `json:"master"`
	Older            int       `json:"older"`
	Items            [][]byte  `json:"items"`
	RecoverableUntil time.Time `json:"recoverable_until"` // of destroy: until then somebody could bring the old keys back
}

// errRefused is matched by errors that the program reported itself: it is alive.
var errRefused = fmt.Errorf("nothing was done: %w", assay.ErrUnavailable)

// ask sends a request and puts the items of the reply into b. When the process ends before it has answered, or answers
// with something else, it is started again, and asked again unless the request was for a new master key. The caller has
// the turn, or nobody else knows p yet.
func (p *Program) ask(q *request, b *batch) error {
	deadline := time.Now().Add(p.cfg.Timeout)
	for again := q.Op != opRotate; ; again = false {
		err := p.askOnce(q, b, deadline)
		if err == nil || errors.Is(err, errRefused) || !again || p.process != nil || !time.Now().Before(deadline) ||
			p.startsTooOften() {
			return err
		}
	}
}

func (p *Program) askOnce(q *request, b *batch, deadline time.Time) error {
	if err := p.ensureStarted(deadline); err != nil {
		return err
	}
	p.number++
	q.Version, q.ID = protocolVersion, p.number
	line, err := json.Marshal(q)
	if err != nil {
		return p.errorf(assay.ErrInvalid, "%v", err)
	}
	answer, err := p.process.exchange(append(line, '\n'), deadline)
	var r reply
	if err == nil {
		err = r.read(answer, q)
	}
	if err != nil { // what it would say next would be taken for the answer to another question
		return p.giveUp(err)
	}
	if r.Error != "" {
		return p.errorf(errRefused, "asked to %s, it answers %q", q.Op,
			r.Error[:min(len(r.Error), maxShownError)])
	}
	p.note(&r)
	if time.Until(r.RecoverableUntil) > 0 {
		p.cfg.Logger.Warn("keys: an old master key is destroyed, and could be brought back for a while: until then "+
			"what was erased is not beyond everybody's reach", "until", r.RecoverableUntil)
	}
	b.out = r.Items
	return nil
}

// read decodes a reply and checks that it answers q. Errors do not repeat it: it may hold keys.
func (r *reply) read(line []byte, q *request) error {
	if err := json.Unmarshal(line, r); err != nil {
		return fmt.Errorf("its answer is not one line of JSON as in docs/formats/keys.md")
	}
	if r.ID != q.ID {
		return fmt.Errorf("it answers request %d, and was asked request %d", r.ID, q.ID)
	}
	if r.Error != "" {
		return nil
	}
	if r.Master == "" || len(r.Master) > maxName || r.Older < 0 {
		return fmt.Errorf("its answer names no master key (\"master\", at most %d bytes), or a negative number of "+
			"older ones (\"older\")", maxName)
	}
	if len(r.Items) != len(q.Items) {
		return fmt.Errorf("asked to %s %d items, it answers with %d", q.Op, len(q.Items), len(r.Items))
	}
	for _, item := range r.Items {
		if q.Op == opWrap && len(item) == 0 || len(item) > maxItem {
			return fmt.Errorf("asked to %s, it answers with an item of %d bytes, at most %d are read", q.Op, len(item),
				maxItem)
		}
	}
	return nil
}

// giveUp stops a process that gave no usable answer.
func (p *Program) giveUp(why error) error {
	if ended := p.process.kill(); ended != nil {
		why = fmt.Errorf("%w (%w)", why, ended)
	}
	p.process = nil
	p.failed = p.errorf(assay.ErrUnavailable, "%v; it is started again when it is next needed, and what it wrote to "+
		"its standard error is in the log", why)
	return p.failed
}

// ensureStarted starts the process if there is none.
func (p *Program) ensureStarted(deadline time.Time) error {
	switch {
	case p.process != nil:
		return nil
	case p.closed:
		return p.errorf(assay.ErrUnavailable, "it was ended")
	case p.startsTooOften():
		return p.failed
	}
	p.started = time.Now()
	c, err := startProcess(&p.cfg)
	if err != nil {
		p.failed = p.errorf(assay.ErrUnavailable, "it cannot be started: %v", err)
		return p.failed
	}
	p.process = c
	if p.number == 0 {
		return nil // the first question is for the state
	}
	return p.askOnce(&request{Op: opState}, &batch{}, deadline)
}

// startsTooOften reports whether the process was started a moment ago, and has failed.
func (p *Program) startsTooOften() bool {
	return p.failed != nil && time.Since(p.started) < p.cfg.restartPause
}
