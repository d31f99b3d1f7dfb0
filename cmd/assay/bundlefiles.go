// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/policy"
)

// checkBundleTarget reports, before any work, a place where no bundle can be
// written.
func checkBundleTarget(dir string) error {
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
	if len(entries) > 0 && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Name() == models.ManifestFile
	}) {
		return fmt.Errorf("%s exists and is not a bundle: choose another directory", dir)
	}
	return nil
}

// bundleName is the name of a model that was given none: that of its bundle's
// directory, which a person has chosen, and without one that of the data.
func bundleName(out, data string) string {
	if out == "" {
		return data
	}
	return filepath.Base(filepath.Clean(out))
}

// planFileMark begins a plan that a command has written next to a bundle. The
// digest is that of the lines below it: a person has not changed them.
const planFileMark = "# The plan of the bundle next to it, as `assay train` has inferred it. Of the lines below, " +
	"unchanged: sha256 "

// planFileText is the text of an inferred plan, for the file next to its bundle.
func planFileText(plan []byte) []byte {
	return fmt.Appendf(nil, "%s%x\n%s", planFileMark, sha256.Sum256(plan), plan)
}

// isEdited reports whether a plan next to a bundle is not as a command wrote it.
// What the mark says before the digest does not matter: its words have changed.
func isEdited(text []byte) bool {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	return !bytes.HasSuffix(first, fmt.Appendf(nil, " unchanged: sha256 %x", sha256.Sum256(rest)))
}

// writePlan writes an inferred plan next to its bundle, for a person to edit. It
// takes the place of the plan of a bundle that was there before, but for one
// that a person has edited: that stays, and the new one gets a name of its own.
func writePlan(u *ui, out string, spec *plantext.Spec) error {
	path := filepath.Clean(out) + ".plan.yaml"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	text := planFileText(spec.YAML())
	for _, name := range []string{path, filepath.Clean(out) + ".plan.new.yaml"} {
		old, err := os.ReadFile(name)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case err == nil && isEdited(old):
			u.Note("%s was edited and is left as it is: it is not the plan of the bundle that is written now; to "+
				"train with it, give it by --plan", name)
			continue
		}
		err = writeFile(u, name, func(w io.Writer) error { _, err := w.Write(text); return err })
		if err == nil {
			u.Note("%s holds the inferred plan: edit it and train again with --plan", name)
		}
		return err
	}
	return nil
}

// removeOldPlan takes away the inferred plan of a bundle that is replaced by one with
// another plan, unless a person has edited it.
func removeOldPlan(u *ui, out string, frozen []byte) error {
	path := filepath.Clean(out) + ".plan.yaml"
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && isEdited(old) {
		return nil
	}
	if err != nil {
		return err
	}
	plan, err := features.LoadPlan(frozen)
	if err != nil {
		return err
	}
	if _, text, _ := bytes.Cut(old, []byte("\n")); bytes.Equal(text, plan.Spec().YAML()) {
		return nil
	}
	u.Note("%s was the plan of the bundle that is replaced, and is removed", path)
	return os.Remove(path)
}

// readPolicy reads a policy file; without one it is the default policy.
func readPolicy(path string) ([]byte, error) {
	if path == "" {
		return policy.Default(), nil
	}
	b, err := yamltext.ReadFile(path, yamltext.Policy)
	if err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	return b, nil
}

// chosenPolicy is readPolicy, but nil where none was chosen: the base rate of the
// training rows then gives the cut-offs.
func chosenPolicy(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return readPolicy(path)
}
