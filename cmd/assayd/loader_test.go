// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
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
	if _, err := loader(dir)(t.Context(), "credit-2062"); !errors.Is(err, models.ErrBundle) || !strings.HasSuffix(err.Error(), `no such folder; did you mean "credit-2026"?`) {
		t.Error(err)
	}
}
