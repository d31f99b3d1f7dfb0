// SPDX-License-Identifier: Apache-2.0

package licence

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/licences.md")

const root = "../.."

var commands = []string{"assay", "assayd", "assay-verify"}

// TestLicences holds docs/licences.md to what the commands link, and each
// module to terms that are allowed.
func TestLicences(t *testing.T) {
	type use struct {
		Module
		by []string
	}
	all := map[string]*use{}
	for _, c := range commands {
		modules, err := Linked(root, "./cmd/"+c)
		if err != nil {
			t.Fatal(err)
		}
		if len(modules) < 5 {
			t.Fatalf("%s links %d modules", c, len(modules))
		}
		for _, m := range modules {
			if !Allowed(m.Licence) {
				t.Errorf("%s links %s, which is %s", c, m.Path, m.Licence)
			}
			if all[m.Path] == nil {
				all[m.Path] = &use{Module: m}
			}
			all[m.Path].by = append(all[m.Path].by, c)
			if m.Path == "github.com/ethereum/go-ethereum" {
				checkEthereum(t, c, m.Packages)
			}
		}
	}
	var paths []string
	for p := range all {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Licences

<!-- written by cd tools && go test ./licence -update -->

The project is under the Apache License 2.0. On linux/amd64, its three programs link the %d modules below. Whoever
passes a program on must keep to the licences of these modules, too. A release has a list of modules for each program
(SPDX), made from the program itself.

The library of go-ethereum is under the LGPL-3.0-or-later. Its programs, which are under the GPL, are not linked.
[NOTICE](../NOTICE) says how to link with another version. Only `+"`assay`"+` links its node.

| module | version | licence | linked by |
|---|---|---|---|
`, len(paths))
	for _, p := range paths {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p, all[p].Version, all[p].Licence, strings.Join(all[p].by, ", "))
	}
	path := filepath.Join(root, "docs", "licences.md")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("docs/licences.md is not current: cd tools && go test ./licence -update (%v)", err)
	}
}

// checkEthereum wants go-ethereum's programs, which are under the GPL, to be
// linked by no command, and its node by assay alone.
func checkEthereum(t *testing.T, command string, packages []string) {
	t.Helper()
	for _, p := range packages {
		if strings.HasPrefix(p, "github.com/ethereum/go-ethereum/cmd/") {
			t.Errorf("%s links %s, which is under the GPL", command, p)
		}
		if (p == "github.com/ethereum/go-ethereum/node" || p == "github.com/ethereum/go-ethereum/eth") &&
			command != "assay" {
			t.Errorf("%s links the chain's node: %s", command, p)
		}
	}
	if command == "assay" && !slices.Contains(packages, "github.com/ethereum/go-ethereum/node") {
		t.Error("assay does not link the chain's node: this test looks at the wrong package")
	}
}

func TestClassify(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted, free of\n charge, to any person obtaining a copy of this": "MIT",
		"Apache License\n   Version 2.0, January 2004":                                           "Apache-2.0",
		"GNU LESSER GENERAL PUBLIC LICENSE Version 3 ... GNU General Public License":             "LGPL-3.0-or-later",
		"Mozilla Public License, version 2.0 ... GNU Lesser General Public License, Version 3":   "MPL-2.0",
		"GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007":                                    "GPL-3.0-or-later",
		"Redistribution and use in source and binary forms ... used to endorse or promote":       "BSD-3-Clause",
		"Redistribution and use in source and binary forms, with or without":                     "BSD-2-Clause",
		"All rights reserved, ask our lawyers":                                                   "",
	} {
		if got := Classify(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if Allowed("GPL-3.0-or-later") || Allowed("MIT AND AGPL-3.0-or-later") || !Allowed("MIT AND BSD-3-Clause") {
		t.Error("Allowed is wrong")
	}
	if _, err := Of("example.org/none", t.TempDir()); !errors.Is(err, ErrUnknown) {
		t.Errorf("a module without a licence gave %v", err)
	}
}
