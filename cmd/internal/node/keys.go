// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/ledger/vault"
)

// keysFile is the YAML file that says which program keeps the master key.
type keysFile struct {
	Command []string `yaml:"command"` // the program's path, and its arguments
	Timeout string   `yaml:"timeout"` // of one request, as in 10s; empty: 10 s
}

// OpenKeys starts the program that the file at path names. End it with end, after everything that uses keys. Without a
// path there is no program, and keys is nil: the master key is in the journal's directory.
func OpenKeys(path string, log *slog.Logger) (keys vault.Keys, end func() error, err error) {
	if path == "" {
		return nil, func() error { return nil }, nil
	}
	b, err := yamltext.ReadFile(path, yamltext.Settings)
	var f keysFile
	if err == nil {
		err = yamltext.Decode(b, &f, yamltext.Settings)
	}
	if err != nil && !errors.Is(err, yamltext.ErrEmpty) {
		return nil, nil, fmt.Errorf("--keys %s: %w", path, err)
	}
	if len(f.Command) == 0 {
		return nil, nil, fmt.Errorf("--keys %s: it names no command: write, as in command: [/usr/local/bin/keys, "+
			"--token, assay], the program that keeps the master key", path)
	}
	cfg := vault.ProgramConfig{Command: f.Command, Logger: log}
	if f.Timeout != "" {
		if cfg.Timeout, err = time.ParseDuration(f.Timeout); err != nil || cfg.Timeout <= 0 {
			return nil, nil, fmt.Errorf("--keys %s: timeout %q is not a time such as 10s", path, f.Timeout)
		}
	}
	p, err := vault.StartProgram(cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("--keys %s: %w", path, err)
	}
	return p, p.Close, nil
}
