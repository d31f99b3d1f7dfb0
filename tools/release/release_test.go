// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRelease makes a release of the smallest program for this platform, and
// builds it again elsewhere: the bytes are the same, the sums and the list of
// modules are those of the program, and a changed program is found out.
func TestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program twice, once with an empty cache")
	}
	o := options{root: "../..", out: t.TempDir(), platforms: runtime.GOOS + "/" + runtime.GOARCH,
		commands: "assay-verify"}
	if err := release(o); err != nil {
		t.Fatal(err)
	}
	if err := check(o); err != nil {
		t.Error(err)
	}
	name := filepath.Join(o.out, "assay-verify-"+runtime.GOOS+"-"+runtime.GOARCH)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(here)) {
		t.Errorf("the program holds the path %s", here)
	}
	sums, err := os.ReadFile(filepath.Join(o.out, "SHA256SUMS"))
	if err != nil || strings.Count(string(sums), "\n") != 4 {
		t.Errorf("sums %q, %v", sums, err)
	}
	var d document
	list, err := os.ReadFile(name + ".spdx.json")
	if err != nil || json.Unmarshal(list, &d) != nil {
		t.Fatalf("list %.100q, %v", list, err)
	}
	found := map[string]string{}
	for _, p := range d.Packages {
		found[p.Name] = p.Concluded
	}
	if found["github.com/ethereum/go-ethereum"] != "LGPL-3.0-or-later" || found["std"] == "" ||
		len(d.Relationships) != len(d.Packages) {
		t.Errorf("the list holds %v", found)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(name, b, 0o755); err != nil {
		t.Fatal(err)
	}
	if check(o) == nil {
		t.Error("a changed program passed the check")
	}
}
