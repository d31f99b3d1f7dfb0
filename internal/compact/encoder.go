// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// Append appends a frame that holds src. The frame is at most 20 bytes longer than
// src, and 3 for every 64 KiB of it. Records of up to 16 KiB have an encoder made for
// them; longer ones, and all with a nil Dictionary, have klauspost/compress's, which
// takes about ten times as long for a small record.
func (d *Dictionary) Append(dst, src []byte) []byte {
	switch {
	case d == nil:
		return plainEncoder.EncodeAll(src, dst)
	case d.tables == nil || len(src) > maxRecordBytes:
		return d.general.EncodeAll(src, dst)
	}
	e := d.encoders.Get().(*recordEncoder)
	dst = append(dst, e.frame(src)...)
	d.encoders.Put(e)
	return dst
}

// newEncoder makes an encoder whose frames state the size of their content.
func newEncoder(options ...zstd.EOption) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, append(options, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true), zstd.WithZeroFrames(true),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)))...)
}

// plainEncoder is that of a nil Dictionary.
var plainEncoder = func() *zstd.Encoder {
	e, err := newEncoder()
	if err != nil {
		panic(err) // an option above is wrong
	}
	return e
}()
