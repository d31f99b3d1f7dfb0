// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assayrisk/assay/features"
)

// writePlan writes an inferred plan beside the bundle, for a person to edit. A
// file that is there stays: it may have been edited.
func writePlan(u *ui, out string, spec *features.Spec) error {
	path := filepath.Clean(out) + ".plan.yaml"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		u.note("%s is there already and was left as it is", path)
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(spec.YAML())
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	u.note("%s holds the inferred plan: edit it and train again with --plan", path)
	return nil
}
