// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/assayrisk/assay"
)

// Decoder reads frames of several dictionaries, and of none. It is safe for
// concurrent use.
type Decoder struct {
	dictionaries map[uint32]*Dictionary
	frames       *zstd.Decoder
}

// NewDecoder makes a decoder of frames that name one of these dictionaries, or
// none. It returns an error that matches assay.ErrConflict when two dictionaries
// have the same id and are not the same.
func NewDecoder(dictionaries ...*Dictionary) (*Decoder, error) {
	d := &Decoder{dictionaries: map[uint32]*Dictionary{}}
	options := []zstd.DOption{zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true)}
	for _, x := range dictionaries {
		if x == nil {
			continue // frames without a dictionary are read anyway
		}
		if known := d.dictionaries[x.id]; known == nil {
			options = append(options, zstd.WithDecoderDicts(x.bytes))
		} else if known.digest != x.digest {
			return nil, fmt.Errorf("dictionaries %v and %v have the same id %d: change the samples of one: %w",
				known.digest, x.digest, x.id, assay.ErrConflict)
		}
		d.dictionaries[x.id] = x
	}
	var err error
	if d.frames, err = zstd.NewReader(nil, options...); err != nil {
		return nil, fmt.Errorf("dictionaries: %w: %w", err, assay.ErrCorrupt)
	}
	return d, nil
}

// Append appends what frame holds: one frame that states the size of its content,
// with nothing behind it. It appends at most limit bytes. An error matches
// assay.ErrCorrupt, and dst is then returned as it was.
func (d *Decoder) Append(dst, frame []byte, limit int) ([]byte, error) {
	if f, ok := parseRecordFrame(frame); ok && f.size <= limit {
		if known := d.dictionaries[f.id]; known != nil && known.tables != nil {
			r := known.decoders.Get().(*recordDecoder)
			out, ok := r.read(dst, &f)
			known.decoders.Put(r)
			if ok {
				return out, nil
			}
		}
	}
	return d.appendAny(dst, frame, limit)
}

// appendAny is Append for frames of any program, and says what is wrong with a
// damaged one.
func (d *Decoder) appendAny(dst, frame []byte, limit int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return dst, fmt.Errorf("frame: %w: %w", err, assay.ErrCorrupt)
	}
	switch {
	case h.Skippable || !h.HasFCS:
		return dst, fmt.Errorf("frame: does not state the size of its content: %w", assay.ErrCorrupt)
	case limit < 0 || h.FrameContentSize > uint64(limit):
		return dst, fmt.Errorf("frame: holds %d bytes, at most %d are wanted: %w", h.FrameContentSize, limit,
			assay.ErrCorrupt)
	case h.DictionaryID != 0 && d.dictionaries[h.DictionaryID] == nil:
		return dst, fmt.Errorf("frame: names dictionary %d, which is not among the %d that are known: %w",
			h.DictionaryID, len(d.dictionaries), assay.ErrCorrupt)
	}
	if end := frameEnd(frame, h.HeaderSize); end != len(frame) {
		return dst, fmt.Errorf("frame: ends at byte %d of %d: %w", end, len(frame), assay.ErrCorrupt)
	}
	size := int(h.FrameContentSize)
	wide := slices.Grow(dst, size)
	out, err := d.frames.DecodeAll(frame, wide[:len(dst):len(dst)+size])
	if err == nil && len(out) != len(dst)+size {
		err = fmt.Errorf("%d bytes instead of %d", len(out)-len(dst), size)
	}
	if err != nil {
		return dst, fmt.Errorf("frame: %w: %w", err, assay.ErrCorrupt)
	}
	return out, nil
}

// frameEnd is the length of a frame whose blocks start at the given place, by the
// headers of its blocks; -1 if there is not so much.
func frameEnd(frame []byte, at int) int {
	const lastBlock, runBlock, checksumFlag, checksumBytes = 1, 1, 1 << 2, 4
	for at+3 <= len(frame) {
		h := uint32(frame[at]) | uint32(frame[at+1])<<8 | uint32(frame[at+2])<<16
		at += 3
		if h>>1&3 == runBlock {
			at++
		} else {
			at += int(h >> 3)
		}
		if h&lastBlock == 0 {
			continue
		}
		if frame[4]&checksumFlag != 0 {
			at += checksumBytes
		}
		if at > len(frame) {
			return -1
		}
		return at
	}
	return -1
}
