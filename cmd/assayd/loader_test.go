// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
)

// TestLoaderNamesTheNearest: a bundle that the directory of models does not have
// is answered with the folder that was most likely meant.
func TestLoaderNamesTheNearest(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "credit-2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := bundleLoader(dir)(t.Context(), "credit-2062"); !errors.Is(err, models.ErrBundle) ||
		!strings.HasSuffix(err.Error(), `no such folder; did you mean "credit-2026"?`) {
		t.Error(err)
	}
}

// TestModelsDirectory: a directory of models that is not there is said at the
// start, and not to the first admin who activates a model.
func TestModelsDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, file + "s"} {
		if _, err := servingConfig(&settings{Models: dir}, slog.New(slog.DiscardHandler)); err == nil ||
			!strings.HasPrefix(err.Error(), "--models: ") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if cfg, err := servingConfig(&settings{Models: filepath.Dir(file)}, slog.New(slog.DiscardHandler)); err != nil ||
		cfg.Load == nil {
		t.Errorf("a directory without bundles: %v", err)
	}
}
