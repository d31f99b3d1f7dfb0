// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
)

// TestMain is the program itself when it is started with -config, so that it is the program that is tested.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-config" {
		main()
		return
	}
	os.Exit(m.Run())
}

// softHSM makes a token of SoftHSM and returns the program's configuration for it.
func softHSM(t *testing.T) config {
	t.Helper()
	module := ""
	for _, p := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(p); err == nil {
			module = p
		}
	}
	util, err := exec.LookPath("softhsm2-util")
	if err != nil || module == "" {
		t.Skip("SoftHSM is not installed: apt-get install softhsm2")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "softhsm2.conf"), "directories.tokendir = "+dir+"\nobjectstore.backend = file\n")
	write(t, filepath.Join(dir, "pin"), "4711-user\n")
	t.Setenv("SOFTHSM2_CONF", filepath.Join(dir, "softhsm2.conf"))
	out, err := exec.Command(util, "--init-token", "--free", "--label", "assay", "--so-pin", "4711-officer",
		"--pin", "4711-user").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return config{Module: module, Token: "assay", PinFile: filepath.Join(dir, "pin")}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, c config) (*vault.Program, error) {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pkcs11.json")
	write(t, path, string(b))
	p, err := vault.StartProgram(vault.ProgramConfig{Command: []string{os.Args[0], "-config", path},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err == nil {
		t.Cleanup(func() { _ = p.Close() })
	}
	return p, err
}

func mustStart(t *testing.T, c config) *vault.Program {
	t.Helper()
	p, err := start(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRotation wraps keys, rotates, starts again in the middle, and destroys the old master key.
func TestRotation(t *testing.T) {
	c := softHSM(t)
	p := mustStart(t, c)
	keys := make([]*vault.Key, 300)
	old := make([]vault.WrappedKey, len(keys))
	for i := range keys {
		var err error
		if keys[i], err = vault.NewKey(); err != nil {
			t.Fatal(err)
		}
	}
	wrap := func(p *vault.Program, to []vault.WrappedKey) {
		t.Helper()
		w, err := p.Wrap(keys...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range w {
			to[i] = vault.WrappedKey{ID: keys[i].ID(), Bytes: w[i]}
		}
	}
	check := func(p *vault.Program, wrapped []vault.WrappedKey) {
		t.Helper()
		got, err := p.Unwrap(wrapped...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Tag("x") != keys[i].Tag("x") { // a pseudonym under the key: equal keys have equal ones
				t.Fatalf("key %d is another", i)
			}
		}
	}
	begun := time.Now()
	wrap(p, old)
	t.Logf("%d keys wrapped in %v", len(keys), time.Since(begun))
	check(p, old)
	if err := p.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = mustStart(t, c)
	if !p.Rotating() {
		t.Error("a rotation that was begun does not show after a restart")
	}
	check(p, old)
	renewed := make([]vault.WrappedKey, len(keys))
	wrap(p, renewed)
	if err := p.DestroyOldKeys(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Unwrap(old[7]); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("what a destroyed key wrapped: %v", err)
	}
	check(p, renewed)
	for i := range renewed[0].Bytes[1:] {
		forged := vault.WrappedKey{ID: renewed[0].ID, Bytes: bytes.Clone(renewed[0].Bytes)}
		forged.Bytes[1+i] ^= 1
		if _, err := p.Unwrap(forged); !errors.Is(err, assay.ErrCorrupt) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	checkToken(t, c)
}

// checkToken looks at the token without the program: it has one key, whose bytes cannot be read.
func checkToken(t *testing.T, c config) {
	t.Helper()
	c.Label = "assay"
	k, err := openToken(c, "4711-user")
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	if len(k.keys) != 1 || k.newest().name != "assay-2" {
		t.Errorf("the token has the keys %v", k.keys)
	}
	a, err := k.module.GetAttributeValue(k.session, k.newest().handle, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
	if !errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE)) {
		t.Errorf("the master key's bytes can be read: %v, %v", a, err)
	}
}

// TestRefusals checks what an operator is told.
func TestRefusals(t *testing.T) {
	good := softHSM(t)
	for text, change := range map[string]func(*config){
		"no PIN":      func(c *config) { c.PinFile += ".absent" },
		"wrong PIN":   func(c *config) { c.PinFile = filepath.Join(filepath.Dir(c.PinFile), "softhsm2.conf") },
		"no token":    func(c *config) { c.Token = "another" },
		"no module":   func(c *config) { c.Module = "/nonexistent.so" },
		"no PIN file": func(c *config) { c.PinFile = "" },
	} {
		c := good
		change(&c)
		_, err := start(t, c)
		if !errors.Is(err, assay.ErrUnavailable) || !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("%s: %v", text, err)
		}
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "pkcs11.json")
		write(t, path, string(b))
		want := map[string]string{"no PIN": "no such file", "wrong PIN": "CKR_PIN_INCORRECT",
			"no token": `label "another"`, "no module": "cannot be loaded", "no PIN file": "are required"}[text]
		err = run(path, strings.NewReader(""), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	var out bytes.Buffer
	b, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pkcs11.json")
	write(t, path, string(b))
	in := `{"version":1,"id":1,"op":"destroy","keep":"assay-9"}
{"version":2,"id":2,"op":"state"}
{"version":1,"id":3,"op":"dance"}
{"version":1,"id":4,"op":"unwrap","items":["","AAAA"]}
`
	if err := run(path, strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := `{"id":1,"error":"assay-9 is to be kept, and assay-1 is the newest master key: has another program made one?","older":0}
{"id":2,"error":"version 2 of the protocol is asked for, and this program speaks version 1","older":0}
{"id":3,"error":"this program cannot \"dance\"","older":0}
{"id":4,"master":"assay-1","older":0,"items":[null,null]}
`
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

// TestErasure erases a subject of a ledger whose master key is on the token: a copy of the directory from before does
// not open any more, because its master key is gone.
func TestErasure(t *testing.T) {
	c := softHSM(t)
	keys := mustStart(t, c)
	dir, copied := t.TempDir(), t.TempDir()
	cfg := journal.Config{Keys: keys, Logger: slog.New(slog.DiscardHandler), Interval: 50 * time.Millisecond}
	err := journal.With(t.Context(), dir, cfg, func(j *journal.Journal) error {
		for i := range 40 {
			seq := j.Take()
			r := &journal.Record{Kind: ledger.Activation, Micros: time.Now().UnixMicro(), Decision: []byte("a note"),
				Subject: fmt.Sprintf("buyer:%d", i%7)}
			if _, err := j.Append(t.Context(), seq, r); err != nil {
				return err
			}
		}
		return j.WaitPublished(t.Context(), 40)
	})
	if err == nil {
		err = os.CopyFS(copied, os.DirFS(dir))
	}
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := journal.Fsck(t.Context(), copied, cfg); err != nil || rep.Opened != 40 || rep.Keys != 8 {
		t.Errorf("the copy, before: %+v, %v", rep, err)
	}
	err = journal.With(t.Context(), dir, cfg, func(j *journal.Journal) error {
		_, _, err := j.Erase(t.Context(), "buyer:3", "asked")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := journal.Fsck(t.Context(), dir, cfg); err != nil || rep.Erased != 6 || rep.Keys != 7 {
		t.Errorf("after: %+v, %v", rep, err)
	}
	if _, err := journal.Fsck(t.Context(), copied, cfg); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("the copy opens under today's master key: %v", err)
	}
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
	checkToken(t, c)
}
