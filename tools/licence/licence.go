// SPDX-License-Identifier: Apache-2.0

// Package licence finds the licences of the modules that a program links. It
// recognises a licence by sentences that no other has, and returns an error for
// a text that it does not recognise.
package licence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rule is a licence, and the sentences that identify its text if all occur.
type rule struct {
	id        string
	sentences []string
}

// rules are tried in order: the Mozilla licence names the GNU ones.
var rules = []rule{
	{"MPL-2.0", []string{"mozilla public license", "2.0"}},
	{"LGPL-3.0-or-later", []string{"gnu lesser general public license", "version 3"}},
	{"GPL-3.0-or-later", []string{"gnu general public license", "version 3"}},
	{"AGPL-3.0-or-later", []string{"gnu affero general public license"}},
	{"Apache-2.0", []string{"apache license", "version 2.0"}},
	{"BSL-1.0", []string{"boost software license"}},
	{"Unlicense", []string{"this is free and unencumbered software released into the public domain"}},
	{"CC0-1.0", []string{"cc0 1.0"}},
	{"Zlib", []string{"this software is provided 'as-is', without any express or implied warranty"}},
	{"BSD-3-Clause", []string{"redistribution and use in source and binary forms", "endorse or promote"}},
	{"BSD-2-Clause", []string{"redistribution and use in source and binary forms"}},
	{"ISC", []string{"permission to use, copy, modify, and", "distribute this software for any",
		"with or without fee"}},
	{"MIT", []string{"permission is hereby granted, free of charge, to any person obtaining a copy"}},
}

// Classify returns the SPDX identifier of a licence's text, "" if it is not known.
func Classify(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, r := range rules {
		if !slices.ContainsFunc(r.sentences, func(s string) bool { return !strings.Contains(text, s) }) {
			return r.id
		}
	}
	return ""
}

// ErrUnknown is matched by errors about a module whose licence is not known.
var ErrUnknown = errors.New("licence not known")

// ofDir returns the licence of the module whose files lie in dir. For a module
// that offers both the GPL and the Lesser GPL, as go-ethereum does for its
// library, it is the Lesser GPL.
func ofDir(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !(strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") ||
			strings.HasPrefix(name, "COPYING") || strings.HasPrefix(name, "UNLICENSE")) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		if id := Classify(string(b)); id != "" && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	if slices.Contains(found, "LGPL-3.0-or-later") {
		return "LGPL-3.0-or-later", nil
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%w: %s", ErrUnknown, dir)
	}
	slices.Sort(found)
	return strings.Join(found, " AND "), nil
}

// stated are modules whose archive carries no licence file, with the file that
// says it instead, and the words that it must hold.
var stated = map[string]struct{ file, words, id string }{
	"github.com/holiman/bloomfilter/v2": {"bloomfilter.go", "mit license", "MIT"},
	"github.com/JohnCGriffin/overflow":  {"README.md", "mit license", "MIT"},
}

// Of returns the licence of a module whose files lie in dir.
func Of(module, dir string) (string, error) {
	if s, ok := stated[module]; ok {
		b, err := os.ReadFile(filepath.Join(dir, s.file))
		if err == nil && !strings.Contains(strings.ToLower(string(b)), s.words) {
			err = fmt.Errorf("%w: %s no longer says %q", ErrUnknown, s.file, s.words)
		}
		return s.id, err
	}
	return ofDir(dir)
}

// Allowed are the terms under which an Apache-2.0 program may link a module;
// the lesser GPL asks that whoever has the program can link it again with
// another version of the library, which NOTICE explains.
func Allowed(id string) bool {
	return !slices.ContainsFunc(strings.Split(id, " AND "), func(one string) bool {
		return !slices.Contains([]string{"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0",
			"Unlicense", "CC0-1.0", "Zlib", "BSL-1.0", "LGPL-3.0-or-later"}, one)
	})
}
