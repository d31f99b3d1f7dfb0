// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

// bundleTarget reports, before any work, a place where no bundle can be
// written.
func bundleTarget(dir string) error {
	switch filepath.Base(filepath.Clean(dir)) {
	case ".", "..", string(filepath.Separator):
		return usagef("--out %s: want the name of a directory that the bundle can be moved to", dir)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s exists and is not a directory: choose another name", dir)
	case err != nil:
		return err
	}
	if len(entries) > 0 && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == models.ManifestFile }) {
		return fmt.Errorf("%s exists and is not a bundle: choose another directory", dir)
	}
	return nil
}

// inferSpec makes a plan of a table, and says which columns are not in it: a
// column of amounts that reads as text would else be gone without a word.
func inferSpec(u *ui, t *table) (*features.Spec, error) {
	if t.rows() == 0 {
		return nil, fmt.Errorf("%w: %s has no rows", assay.ErrInvalid, t.name)
	}
	spec, left, err := features.InferSpec(t.frame.Record, t.frame.Label)
	var out []string
	for _, l := range left {
		out = append(out, fmt.Sprintf("%s (%s)", l.Column, l.Why))
	}
	if len(out) > 0 {
		u.note("the inferred plan leaves out %s", strings.Join(out, ", "))
	}
	if err != nil {
		return nil, err
	}
	saySentinels(u, t)
	for i := range spec.Fields {
		f := &spec.Fields[i]
		for _, c := range t.frame.Columns {
			if c.Column == f.Name {
				f.Written = c.Written
			}
		}
		if marks := f.MissingMarks(); marks != nil {
			u.note("%s: the inferred plan takes %s as missing (missing: in the plan)", f.Name, strings.Join(marks, ", "))
		}
	}
	return spec, nil
}

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
