// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"

	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/ledger/journal/archive"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// OpenArchive opens the archive that the YAML file at path describes; without a path there is none, and it is nil.
func OpenArchive(path string) (recordfile.Archive, error) {
	if path == "" {
		return nil, nil
	}
	b, err := yamltext.ReadFile(path, yamltext.Settings)
	var c archive.Config
	if err == nil {
		err = yamltext.Decode(b, &c, yamltext.Settings)
	}
	if err != nil && !errors.Is(err, yamltext.ErrEmpty) {
		return nil, fmt.Errorf("--archive %s: %w", path, err)
	}
	a, err := archive.Open(c)
	if err != nil {
		return nil, fmt.Errorf("--archive %s: %w", path, err)
	}
	return a, nil
}
