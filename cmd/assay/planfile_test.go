// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/internal/version"
	"github.com/assayrisk/assay/models"
)

// TestPlanBesideBundle: the plan beside a bundle is the bundle's: it goes with
// it, unless a person has edited it. The model has the directory's name, and its
// policy the base rate's cut-offs.
func TestPlanBesideBundle(t *testing.T) {
	dir := t.TempDir()
	rows := func(name, column string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s,target\n", column)
		for i := range 200 {
			fmt.Fprintf(&b, "%d,%d\n", i*7919%193, i/180)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	out := filepath.Join(dir, "limits-2026")
	train := func(data string, more ...string) string {
		t.Helper()
		_, stderr, code := assayRun(t,
			append([]string{"train", "--data", data, "--out", out, "--params", "num_iterations=2",
				"--calibrate", "none"}, more...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		return stderr
	}
	holds := func(suffix, column string) {
		t.Helper()
		b, err := os.ReadFile(out + suffix)
		if column == "" != os.IsNotExist(err) || column != "" && !strings.Contains(string(b), "name: "+column+"\n") {
			t.Errorf("%s: %v, want the field %q in\n%s", suffix, err, column, b)
		}
	}
	first, second := rows("first.csv", "amount"), rows("second.csv", "income")
	train(first)
	holds(".plan.yaml", "amount")
	b, err := models.ReadBundle(out)
	if err != nil || b.Manifest.Name != "limits-2026" || !strings.Contains(string(b.Policy), "review_from: 0.05\n") {
		t.Errorf("%v: %s with the policy\n%s", err, b.Manifest.Name, b.Policy)
	}
	train(second) // nobody has edited it: it is the new bundle's now
	holds(".plan.yaml", "income")
	holds(".plan.new.yaml", "")

	edited, err := os.ReadFile(out + ".plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out+".plan.yaml", append(edited, "# mine\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if said := train(first); !strings.Contains(said,
		"was edited and is left as it is: it is not the plan of the bundle") {
		t.Error(said)
	}
	holds(".plan.yaml", "income")
	holds(".plan.new.yaml", "amount")
	train(second, "--plan", out+".plan.yaml") // as edited
	holds(".plan.yaml", "income")

	// One that is given leaves no other beside the bundle.
	if err := os.Remove(out + ".plan.yaml"); err != nil {
		t.Fatal(err)
	}
	train(first)
	given := filepath.Join(dir, "given.yaml")
	if err := os.WriteFile(given, edited, 0o644); err != nil {
		t.Fatal(err)
	}
	train(second, "--plan", given)
	holds(".plan.yaml", "")
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"-v"}} {
		if out, stderr, code := assayRun(t, args...); code != 0 || out != "assay version "+version.String()+"\n" {
			t.Errorf("%v: %q, %q, %d", args, out, stderr, code)
		}
	}
}
