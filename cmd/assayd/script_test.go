// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assayrisk/assay/cmd/internal/scripttest"
	"github.com/assayrisk/assay/internal/version"
)

// TestMain makes this binary a command `assayd` as well, for scripts to run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assayd": main})
}

// TestScripts runs the command lines of testdata/script. `exits STATUS COMMAND`
// runs a command, which must end with that status.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "VERSION="+version.String())
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": scripttest.Exits},
	})
}
