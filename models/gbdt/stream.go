// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"
	"iter"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/gbdt/workers"
)

// BinChunks bins a table that is larger than memory. chunks yields it in pieces
// of any size, rows rows in all. It is ranged over twice, and must give the same
// rows in the same order: once to draw the sample that bins are fitted on, once to
// bin. The bins, and the model, are those that Bin gives for the whole table. It
// needs as much memory as BinSample.
func BinChunks(ctx context.Context, rows int, chunks iter.Seq2[*Dataset, error], p Params) (*Bins, error) {
	if rows < 1 || rows > maxRows {
		return nil, fmt.Errorf("%w: %d rows, want 1 to %d", assay.ErrInvalid, rows, maxRows)
	}
	s, err := drawChunks(ctx, rows, chunks, &p)
	if err != nil {
		return nil, err
	}
	p.BinConstructSample = s.Rows()
	return BinSample(ctx, s, rows, chunks, p)
}

// BinSample bins a table that is larger than memory in one pass. The bins are
// fitted on sample, rows of the same columns, of which at most
// bin_construct_sample_cnt are used; a sample of all rows gives the model that Bin
// gives. chunks yields the table in pieces of any size, rows rows in all. A chunk
// is not kept after the next one is asked for: memory holds the bins (one byte a
// cell, and for a sparse column two bytes a place of its lists), 8 bytes a row
// each for labels and weights, and one chunk.
func BinSample(ctx context.Context, sample *Dataset, rows int, chunks iter.Seq2[*Dataset, error],
	p Params) (*Bins, error) {
	if rows < 1 || rows > maxRows {
		return nil, fmt.Errorf("%w: %d rows, want 1 to %d", assay.ErrInvalid, rows, maxRows)
	}
	if err := p.Check(len(sample.Columns)); err != nil {
		return nil, err
	}
	if err := sample.check("sampled", p.Objective); err != nil {
		return nil, err
	}
	s := &Dataset{Names: sample.Names, Categorical: sample.Categorical, Columns: make([][]float64, len(sample.Columns))}
	team := workers.New(p.NumThreads)
	defer team.Close()
	b := &Bins{label: make([]float64, 0, rows)}
	binners := fitBinners(sample, &p, team)
	b.m = newMatrix(s.names(), binners, rows, team.Size(), true)
	for d, err := range chunks {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("binning stopped: %w", err)
		}
		if err := s.matches(d, len(b.label), rows, &p); err != nil {
			return nil, err
		}
		b.m.fill(d, len(b.label), team)
		b.label = append(b.label, d.Label...)
		b.weight = append(b.weight, d.Weight...)
		b.initScore = append(b.initScore, d.InitScore...)
	}
	if len(b.label) != rows {
		return nil, fmt.Errorf("%w: the second pass over the chunks gave %d rows of %d",
			assay.ErrInvalid, len(b.label), rows)
	}
	for name, v := range map[string][]float64{"weights": b.weight, "initial scores": b.initScore} {
		if v != nil && len(v) != rows {
			return nil, fmt.Errorf("%w: some chunks have %s and some do not", assay.ErrInvalid, name)
		}
	}
	b.m.buildSparse(team)
	return b, nil
}

// drawChunks collects the rows that bins are fitted on.
func drawChunks(ctx context.Context, rows int, chunks iter.Seq2[*Dataset, error], p *Params) (*Dataset, error) {
	wanted := sampleRows(rows, p.BinConstructSample, uint64(p.Seed))
	var s *Dataset
	at := 0
	for d, err := range chunks {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("drawing the sample for bins stopped: %w", err)
		}
		if s == nil {
			if err := p.Check(len(d.Columns)); err != nil {
				return nil, err
			}
			s = &Dataset{Names: d.Names, Categorical: d.Categorical, Columns: make([][]float64, len(d.Columns))}
			for j := range s.Columns {
				s.Columns[j] = make([]float64, 0, len(wanted))
			}
			s.Label = make([]float64, 0, len(wanted))
		}
		if err := s.matches(d, at, rows, p); err != nil {
			return nil, err
		}
		for ; len(wanted) > 0 && int(wanted[0]) < at+d.Rows(); wanted = wanted[1:] {
			for j := range s.Columns {
				s.Columns[j] = append(s.Columns[j], d.Columns[j][int(wanted[0])-at])
			}
			s.Label = append(s.Label, d.Label[int(wanted[0])-at])
		}
		at += d.Rows()
	}
	if at != rows {
		return nil, fmt.Errorf("%w: the chunks gave %d rows of %d", assay.ErrInvalid, at, rows)
	}
	return s, nil
}

// matches reports a chunk that does not continue the table of d at row at.
func (d *Dataset) matches(chunk *Dataset, at, rows int, p *Params) error {
	if err := chunk.checkPart(fmt.Sprintf("chunk from row %d of the training", at), p.Objective, false); err != nil {
		return err
	}
	if len(chunk.Columns) != len(d.Columns) {
		return fmt.Errorf("%w: the chunk from row %d has %d columns, the first one %d", assay.ErrInvalid, at,
			len(chunk.Columns), len(d.Columns))
	}
	for j := range d.Columns {
		if chunk.name(j) != d.name(j) || chunk.categorical(j) != d.categorical(j) {
			return fmt.Errorf("%w: column %d of the chunk from row %d has another name or kind than in the first chunk",
				assay.ErrInvalid, j, at)
		}
	}
	if at+chunk.Rows() > rows {
		return fmt.Errorf("%w: the chunks give more than %d rows", assay.ErrInvalid, rows)
	}
	return nil
}
