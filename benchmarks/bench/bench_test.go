// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	got := figures(strings.NewReader("RATIO a_vs_b 1.50\nsome words here\nNS single 900\nRATIO broken x\nAUCDIFF dense1m -0.0001\nTABLE | 3\n"))
	want := []figure{{"RATIO", "a_vs_b", 1.5}, {"NS", "single", 900}, {"AUCDIFF", "dense1m", -0.0001}}
	if len(got) != len(want) {
		t.Fatalf("figures %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("figure %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestPlace(t *testing.T) {
	out, err := place([]byte("a\n"+begin+"old\n"+end+"\nz\n"), []byte("new\n"))
	if err != nil || string(out) != "a\n"+begin+"new\n"+end+"\nz\n" {
		t.Errorf("placed %q, %v", out, err)
	}
	if _, err := place([]byte("no markers"), nil); err == nil {
		t.Error("a page without markers was accepted")
	}
}
