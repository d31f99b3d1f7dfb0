// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFlagsOfLogs: a log may write flags as true and false or as 1 and 0, and
// as features, conditions of windows and values they are the same.
func TestFlagsOfLogs(t *testing.T) {
	s := newShop(t)
	header := []string{"id", "time", "kind", "buyer", "loan", "amount", "bad", "early"}
	spelled := func(yes, no string) [][]string {
		out := altered(s.rows, func(int, []string) {})
		for i := range out {
			flag := no
			switch {
			case out[i][2] == "default":
				flag = ""
			case i%3 == 0:
				flag = yes
			}
			out[i] = append(out[i], flag)
		}
		return out
	}
	vectors := map[string]string{}
	for _, c := range [][2]string{{"1", "0"}, {"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"}} {
		plan, log := s.write(byEvent, spelled(c[0], c[1]), header...)
		text, err := os.ReadFile(plan)
		if err != nil {
			t.Fatal(err)
		}
		with := strings.NewReplacer("windows:\n",
			"  - {name: early, kind: flag, on: [application, payment]}\nwindows:\n"+
				"  - {name: early_paid, key: [buyer], on: [payment], where: {field: early, above: 0}, length: 60d}\n"+
				"  - {name: early_share, key: [buyer], on: [payment], value: early, length: 60d}\n",
			"features:\n", "features:\n  - {name: early}\n"+
				"  - {name: early_paid, kernel: count, window: early_paid}\n"+
				"  - {name: early_share, kernel: mean, window: early_share}\n").Replace(string(text))
		if err := os.WriteFile(plan, []byte(with), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := s.train(plan, log); code != 0 {
			t.Fatalf("%v: %s", c, stderr)
		}
		out, stderr, code := assayRun(t, "features", "--model", filepath.Join(s.dir, "bundle"),
			"--data", log, "--out", "-")
		if code != 0 {
			t.Fatalf("%v: %s", c, stderr)
		}
		vectors[c[0]] = out
	}
	if lines := strings.Count(vectors["1"], "\n"); lines != 301 {
		t.Errorf("%d lines of vectors, want a header and 300", lines)
	}
	for yes, out := range vectors {
		if out != vectors["1"] {
			t.Errorf("flags written as %s make other vectors than 1 and 0", yes)
		}
	}
}
