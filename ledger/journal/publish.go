// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// publisher signs and publishes a checkpoint of the newest tree, at most one an
// interval. It waits for the guard and for witnesses; the drainer does not.
type publisher struct {
	j     *Journal
	every time.Duration
	sign  func(ctx context.Context, size uint64, root []byte) ([]byte, error)
	wake  chan struct{}

	mu            sync.Mutex
	size          uint64
	root          assay.Digest
	publishedSize uint64 // size of the checkpoint that this publisher wrote last
}

// logFiles gives Tessera's witness code the log to read.
type logFiles struct {
	client.FileFetcher
	p *publisher
}

// NextIndex implements tessera.LogReader.
func (f logFiles) NextIndex(context.Context) (uint64, error) {
	size, _ := f.p.newest()
	return size, nil
}

// IntegratedSize implements tessera.LogReader.
func (f logFiles) IntegratedSize(ctx context.Context) (uint64, error) { return f.NextIndex(ctx) }

func newPublisher(j *Journal) (*publisher, error) {
	p := &publisher{j: j, every: max(j.cfg.Interval/2, 100*time.Millisecond), wake: make(chan struct{}, 1)}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(j.guard)
	if j.cfg.Witnesses != "" {
		group, err := tessera.NewWitnessGroupFromPolicy([]byte(j.cfg.Witnesses))
		if err != nil {
			return nil, fmt.Errorf("log: witnesses: %w: %w", err, assay.ErrInvalid)
		}
		opts = opts.WithWitnesses(group, nil)
	}
	p.sign = opts.CheckpointPublisher(logFiles{client.FileFetcher{Root: string(j.logDir())}, p}, http.DefaultClient)
	return p, nil
}

// treeGrew announces a tree that is durable.
func (p *publisher) treeGrew(size uint64, root assay.Digest) {
	p.mu.Lock()
	p.size, p.root = size, root
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) newest() (uint64, assay.Digest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size, p.root
}

// published returns the size of the checkpoint that was written last.
func (p *publisher) published() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.publishedSize
}

// run publishes until ctx ends. After a failure it tries again an interval later.
// The guard keeps a refusal, and the drainer asks it for that.
func (p *publisher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		wrote, err := p.publish(ctx)
		if err == nil && !wrote {
			continue
		}
		if err != nil {
			p.j.cfg.Logger.Debug("journal: no checkpoint could be published", "error", err)
			select {
			case p.wake <- struct{}{}:
			default:
			}
		}
		select { // the rate, and the pause before another try
		case <-ctx.Done():
			return
		case <-time.After(p.every):
		}
	}
}

// publish writes a checkpoint of the newest tree, unless that is published already.
func (p *publisher) publish(ctx context.Context) (wrote bool, err error) {
	size, root := p.newest()
	b, err := p.j.logDir().Checkpoint(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("log: %w", err)
	}
	if err == nil {
		if have, err := ledger.ParseCheckpoint(b, p.j.Key()); err == nil && have.Size == size {
			return false, nil
		}
	}
	note, err := p.sign(ctx, size, root[:])
	if err != nil {
		return false, fmt.Errorf("log: %w", err)
	}
	if err := p.j.logDir().WriteCheckpoint(note); err != nil {
		return false, err
	}
	p.mu.Lock()
	p.publishedSize = size
	p.mu.Unlock()
	return true, nil
}
