// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger/journal"
)

// ledgerParts says where parts of a ledger are that are not in its directory: flags of every command that opens one.
type ledgerParts struct{ keys, archive string }

// flags adds the flags; when says with which other flag they count.
func (p *ledgerParts) flags(fl *pflag.FlagSet, when string) {
	fl.StringVar(&p.keys, "keys", "",
		when+"YAML file that names the program that keeps the master key (default: it is in the directory)")
	fl.StringVar(&p.archive, "archive", "", when+"YAML file that names the archive that old record files were moved to")
}

// open returns a configuration with the parts. end them after the journal is closed.
func (p *ledgerParts) open() (cfg journal.Config, end func() error, err error) {
	cfg.Logger = slog.New(slog.DiscardHandler)
	if cfg.Archive, err = node.OpenArchive(p.archive); err != nil {
		return cfg, nil, err
	}
	// The program's standard error is for whoever runs the command.
	cfg.Keys, end, err = node.OpenKeys(p.keys, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	return cfg, end, err
}

// with calls do with the configuration.
func (p *ledgerParts) with(do func(journal.Config) error) error {
	cfg, end, err := p.open()
	if err != nil {
		return err
	}
	return errors.Join(do(cfg), end())
}
