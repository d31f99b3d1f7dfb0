// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
	"github.com/assayrisk/assay/serving/auth"
)

var update = flag.Bool("update", false, "write the settings into docs/serving.md")

// TestDocsSettings holds docs/serving.md to the one source of settings.
func TestDocsSettings(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| key | default | what |\n|---|---|---|\n")
	s, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	_ = s.each(func(x setting) error {
		if x.doc == "" {
			t.Errorf("the setting %s is not documented", x.key)
		}
		def := ""
		if x.def != "" {
			def = "`" + x.def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", x.key, def, x.doc)
		return nil
	})
	between(t, "settings", b.String())
}

// TestDocsAuth holds docs/serving.md to the one source of the auth file's keys.
func TestDocsAuth(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| key | what |\n|---|---|\n")
	list := reflect.TypeFor[auth.Config]()
	for i := range list.NumField() {
		f := list.Field(i)
		name := f.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		for j := range f.Type.Elem().NumField() {
			key := f.Type.Elem().Field(j)
			if key.Tag.Get("yaml") == "-" {
				continue
			}
			if key.Tag.Get("doc") == "" {
				t.Errorf("%s.%s is not documented", name, key.Name)
			}
			fmt.Fprintf(&b, "| `%s[].%s` | %s |\n", name, key.Tag.Get("yaml"), key.Tag.Get("doc"))
		}
	}
	between(t, "auth", b.String())
}

// between compares the part of docs/serving.md between two markers.
func between(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "serving.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), "<!-- "+name+":")
	marker, rest, ok2 := strings.Cut(rest, "-->\n")
	got, tail, ok3 := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("docs/serving.md has no markers for %s", name)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("docs/serving.md is not current: go test ./cmd/assayd -run Docs -update")
	}
	if err := os.WriteFile(path, []byte(head+"<!-- "+name+":"+marker+"-->\n"+want+"<!-- /"+name+" -->"+tail),
		0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPrecedence: flags go before the environment, that before the file, that
// before the defaults.
func TestPrecedence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("listen: file:1\ndrain: 7s\ndir: file\nfour-eyes: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	new(settings).flags(fs)
	if err := fs.Parse([]string{"--dir", "flag", "--rate", "1.5"}); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ASSAY_LISTEN": "env:1", "ASSAY_DIR": "env", "ASSAY_MAX_IN_FLIGHT": "9"}
	s, err := load(path, func(k string) (string, bool) { v, ok := env[k]; return v, ok }, fs)
	if err != nil {
		t.Fatal(err)
	}
	if s.Dir != "flag" || s.Listen != "env:1" || s.Drain != 7*time.Second || !s.FourEyes || s.MaxInFlight != 9 ||
		s.RatePerSecond != 1.5 || s.AnchorEvery != time.Minute {
		t.Errorf("%+v", s)
	}
}

func TestLoadRefuses(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	new(settings).flags(fs)
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("dir: x\n\nlissten: y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(path, none, fs); err == nil || !strings.Contains(err.Error(), "[3:1]") ||
		!strings.Contains(err.Error(), `"lissten"; did you mean "listen"?`) {
		t.Errorf("an unknown key: %v, want its line and name, and the nearest", err)
	}
	if _, err := load("", func(k string) (string, bool) {
		return "-1", k == "ASSAY_MAX_IN_FLIGHT"
	}, fs); err == nil || !strings.Contains(err.Error(), "ASSAY_MAX_IN_FLIGHT") {
		t.Errorf("a negative number: %v, want the variable's name", err)
	}
	if err := run(t.Context(), &settings{LogLevel: "info", LogFormat: "text"}); !errors.Is(err, errUsage) {
		t.Errorf("no bundle: %v, want a usage error", err)
	}
}

// TestStamps takes the two settings together or not at all, and reads the file.
func TestStamps(t *testing.T) {
	a, err := timestamptest.New(timestamptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.CA}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		s  settings
		ok bool
	}{
		{settings{}, true},
		{settings{TSA: "https://tsa.example"}, false},
		{settings{TSACert: file}, false},
		{settings{TSA: "https://tsa.example", TSACert: "settings_test.go"}, false},
		{settings{TSA: "https://tsa.example", TSACert: file, AnchorEvery: time.Hour}, true},
	} {
		var c node.Config
		err := setTimestamps(&tt.s, &c)
		if (err == nil) != tt.ok || err == nil &&
			(c.TimestampURL != tt.s.TSA || c.Timestamp.Every != tt.s.AnchorEvery ||
				len(c.Timestamp.Trust.Certificates) != len(tt.s.TSA)/19) {
			t.Errorf("%+v: %v, %+v", tt.s, err, c)
		}
	}
}
