// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
)

// ProgramConfig says which program keeps the master keys. docs/formats/keys.md is its protocol.
type ProgramConfig struct {
	// Command is the program's path, and its arguments. No shell reads it.
	Command []string
	// Timeout of one request, a start of the program included; 0 is 10 s.
	Timeout time.Duration
	// Logger gets what the program writes to its standard error; nil is slog.Default().
	Logger *slog.Logger

	restartPause time.Duration // least time between two starts; 0 is a second
}

// Program keeps the master keys in another process, which it asks over standard input and output. The process is
// started again when it has ended, or when it was stopped because it gave no usable answer.
type Program struct {
	cfg   ProgramConfig
	queue struct {
		sync.Mutex
		waiting []*batch
	}
	turn    sync.Mutex // of whoever talks to the process
	process *process   // nil before the start, and after a failure; guarded by turn
	started time.Time  // when the process was last started; guarded by turn
	failed  error      // why there is no process; guarded by turn
	number  uint64     // of the last request; guarded by turn
	closed  bool       // guarded by turn

	state struct {
		sync.Mutex
		master     string // the newest master key's name
		older      int    // how many others are kept
		generation uint32
	}
}

var _ Keys = (*Program)(nil)

// StartProgram starts a program that keeps master keys, and tries it: it must open what it has wrapped, and refuse it
// when a byte has changed.
func StartProgram(cfg ProgramConfig) (*Program, error) {
	if len(cfg.Command) == 0 || cfg.Command[0] == "" {
		return nil, fmt.Errorf("keys: no command is given: name the program that keeps the master key: %w",
			assay.ErrInvalid)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.restartPause == 0 {
		cfg.restartPause = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	p := &Program{cfg: cfg}
	if err := p.try(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// try asks for the state, and has a random text wrapped and opened.
func (p *Program) try() error {
	if err := p.ask(&request{Op: opState}, &batch{}); err != nil {
		return err
	}
	text := make([]byte, len(ID{})+SecretSize)
	rand.Read(text)
	wrap := &batch{op: opWrap, items: [][]byte{text}}
	p.do(wrap)
	if wrap.err != nil {
		return wrap.err
	}
	forged := bytes.Clone(wrap.out[0])
	forged[len(forged)-1] ^= 1
	open := &batch{op: opUnwrap, items: [][]byte{wrap.out[0], forged}}
	p.do(open)
	switch {
	case open.err != nil:
		return open.err
	case bytes.Contains(wrap.out[0], text[len(ID{}):]):
		return p.errorf(assay.ErrInvalid, "what it wraps holds the key in clear")
	case !bytes.Equal(open.out[0], text):
		return p.errorf(assay.ErrInvalid, "it does not open what it has just wrapped; nothing was entrusted to it")
	case open.out[1] != nil:
		return p.errorf(assay.ErrInvalid, "it opens a wrapped key of which a bit has changed: it must encrypt with "+
			"authentication, as AES-GCM and RSA-OAEP do")
	}
	return nil
}

// Close ends the program: it closes its standard input, and kills it if it then does not end.
func (p *Program) Close() error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.closed = true
	if p.process == nil {
		return nil
	}
	err := p.process.end(p.cfg.Timeout)
	p.process = nil
	return err
}

// Wrap implements Keys. Calls of the same moment share a request.
func (p *Program) Wrap(keys ...*Key) ([][]byte, error) {
	texts := make([][]byte, len(keys))
	for i, k := range keys {
		texts[i] = append(k.id[:len(k.id):len(k.id)], k.secret[:]...)
	}
	out, err := p.inBatches(opWrap, texts)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = append([]byte{wrappedByProgram}, out[i]...)
	}
	return out, nil
}

// Unwrap implements Keys. Calls of the same moment share a request.
func (p *Program) Unwrap(wrapped ...WrappedKey) ([]*Key, error) {
	items := make([][]byte, len(wrapped))
	for i, w := range wrapped {
		switch {
		case len(w.Bytes) > 0 && w.Bytes[0] == wrappedByFile:
			return nil, fmt.Errorf("subject key %x: the master key in keys/master.json has wrapped it: put that file "+
				"back, and the next start hands over from it: %w", w.ID[:4], assay.ErrPrecondition)
		case len(w.Bytes) < 2 || w.Bytes[0] != wrappedByProgram || len(w.Bytes) > 1+maxItem:
			return nil, errNotOpened(w.ID)
		}
		items[i] = w.Bytes[1:]
	}
	out, err := p.inBatches(opUnwrap, items)
	if err != nil {
		return nil, err
	}
	keys := make([]*Key, len(out))
	for i, text := range out {
		id := wrapped[i].ID
		if len(text) != len(id)+SecretSize || ID(text[:len(id)]) != id {
			return nil, errNotOpened(id)
		}
		if keys[i], err = newKey(id, text[len(id):]); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Rotate implements Keys.
func (p *Program) Rotate() error {
	p.turn.Lock()
	defer p.turn.Unlock()
	old, _ := p.master()
	if err := p.ask(&request{Op: opRotate}, &batch{}); err != nil {
		return err
	}
	if now, older := p.master(); now == old || older == 0 {
		return p.errorf(assay.ErrPrecondition, "it was asked for a new master key with %q kept, and has %q with %d "+
			"older ones", old, now, older)
	}
	return nil
}

// DestroyOldKeys implements Keys.
func (p *Program) DestroyOldKeys() error {
	p.turn.Lock()
	defer p.turn.Unlock()
	keep, _ := p.master()
	if err := p.ask(&request{Op: opDestroy, Keep: keep}, &batch{}); err != nil {
		return err
	}
	if now, older := p.master(); now != keep || older != 0 {
		return p.errorf(assay.ErrPrecondition, "it was asked to destroy all master keys but %q, and has %q with %d "+
			"older ones", keep, now, older)
	}
	return nil
}

// Generation implements Keys.
func (p *Program) Generation() uint32 {
	p.state.Lock()
	defer p.state.Unlock()
	return p.state.generation
}

// Rotating implements Keys.
func (p *Program) Rotating() bool {
	_, older := p.master()
	return older > 0
}

func (p *Program) master() (name string, older int) {
	p.state.Lock()
	defer p.state.Unlock()
	return p.state.master, p.state.older
}

// note keeps what a reply says of the master keys.
func (p *Program) note(r *reply) {
	p.state.Lock()
	defer p.state.Unlock()
	if r.Master != p.state.master || r.Older != p.state.older {
		p.state.master, p.state.older = r.Master, r.Older
		p.state.generation++
	}
}

func (p *Program) errorf(kind error, format string, args ...any) error {
	return fmt.Errorf("keys: %s: %s: %w", strings.Join(p.cfg.Command, " "), fmt.Sprintf(format, args...), kind)
}
