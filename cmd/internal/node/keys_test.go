// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger/vault/vaulttest"
)

func TestMain(m *testing.M) {
	vaulttest.Main()
	os.Exit(m.Run())
}

// TestOpenKeys reads files that name a program that keeps the master key.
func TestOpenKeys(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	command, err := json.Marshal(vaulttest.Program(filepath.Join(t.TempDir(), "masters.json")).Command())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.yaml")
	for _, c := range []struct{ text, fault string }{
		{"command: " + string(command), ""},
		{"command: " + string(command) + "\ntimeout: 3s", ""},
		{"", "names no command"},
		{"timeout: 3s", "names no command"},
		{"comand: [x]", "comand"},
		{"command: [/nonexistent/program]", "cannot be started"},
		{"command: " + string(command) + "\ntimeout: soon", "not a time such as 10s"},
		{"command: " + string(command) + "\ntimeout: 0s", "not a time such as 10s"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		keys, end, err := OpenKeys(path, quiet)
		switch {
		case c.fault != "":
			if err == nil || !strings.Contains(err.Error(), c.fault) || !strings.Contains(err.Error(), "--keys "+path) {
				t.Errorf("%q: %v", c.text, err)
			}
		case err != nil:
			t.Errorf("%q: %v", c.text, err)
		default:
			if keys.Rotating() {
				t.Errorf("%q: a new program is rotating", c.text)
			}
			if err := end(); err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
		}
	}
	if keys, end, err := OpenKeys("", quiet); keys != nil || err != nil || end() != nil {
		t.Errorf("without a file: %v, %v", keys, err)
	}
	if _, _, err := OpenKeys(path+".absent", quiet); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a file that is absent: %v", err)
	}
}
