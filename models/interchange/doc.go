// SPDX-License-Identifier: Apache-2.0

// Package interchange reads and writes the model files of other programs. Each
// reader gives a [models.Model] whose margin has the bits that the program
// itself computes, or an error that says what the file holds that this package
// cannot represent: it never gives a model that scores almost the same. The
// exceptions are the last bits of sums that [ReadSklearn] and [ReadCatBoost]
// name. [Recognise] calls files of other kinds by their names.
//
//	format                  reader          writer
//	LightGBM text, v2 - v4  ReadLightGBM    WriteLightGBM (v3)
//	XGBoost JSON, UBJSON    ReadXGBoost
//	XGBoost binary, 1.x     ReadXGBoostBinary
//	scikit-learn pickle     ReadSklearn
//	CatBoost JSON           ReadCatBoost
//
// A model file is untrusted input. Readers take memory in proportion to the
// bytes they are given, never to a number written in them, and every index is
// checked by [models.Model.Validate] before the model is returned. The fuzz
// targets of this package hold them to that.
//
// [Gate] is the check between a model and its use: it scores rows by the form
// that will serve and by an independent implementation, and refuses a
// difference in one bit.
package interchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/assayrisk/assay/internal/bounded"
)

// MaxBytes bounds a model file.
const MaxBytes = 1 << 30

// Errors that a reader's or writer's errors match.
var (
	// ErrFormat: the file is not what it claims to be.
	ErrFormat = errors.New("bad model file")
	// ErrUnsupported: the file is sound, and holds a model that cannot be
	// represented exactly.
	ErrUnsupported = errors.New("unsupported model")
)

func readAll(r io.Reader) ([]byte, error) {
	b, err := bounded.ReadAll(r, MaxBytes)
	if errors.Is(err, bounded.ErrTooLarge) {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimPrefix(b, bom), nil
}
