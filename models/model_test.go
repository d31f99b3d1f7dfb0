// SPDX-License-Identifier: Apache-2.0

package models

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// stump returns a model of one tree with one node on the only feature.
func stump(decision uint8, threshold float64) *Model {
	return &Model{
		Objective: Binary, Features: []FeatureInfo{{Name: "x"}},
		Trees: []Tree{{
			Feature: []int32{0}, Threshold: []float64{threshold}, Decision: []uint8{decision},
			Left: []int32{^0}, Right: []int32{^1}, LeafValue: []float64{-1, 1},
		}},
	}
}

func TestNext(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		missing     MissingType
		defaultLeft bool
		threshold   float64
		x, want     float64
	}{
		{MissingNone, true, 0.5, 0.5, -1}, {MissingNone, true, 0.5, math.Nextafter(0.5, 1), 1},
		{MissingNone, false, 0.5, nan, -1}, {MissingNone, true, -0.5, nan, 1},
		{MissingZero, true, -3, 0, -1}, {MissingZero, false, 3, 0, 1}, {MissingZero, true, -3, nan, -1},
		{MissingZero, false, 3, 1e-36, 1}, {MissingZero, false, 3, 1e-34, -1},
		{MissingNaN, true, -3, nan, -1}, {MissingNaN, false, 3, nan, 1}, {MissingNaN, false, 3, 0, -1},
		{MissingNaN, true, 3, inf, 1}, {MissingNaN, false, 3, -inf, -1}, {MissingNaN, false, inf, inf, -1},
	} {
		d := uint8(c.missing) << 2
		if c.defaultLeft {
			d |= DecisionDefaultLeft
		}
		m := stump(d, c.threshold)
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := m.Margin([]float64{c.x}); got != c.want {
			t.Errorf("missing type %d, default left %v, threshold %v: margin(%v) = %v, want %v", c.missing,
				c.defaultLeft, c.threshold, c.x, got, c.want)
		}
	}
}

func TestCategories(t *testing.T) {
	m := stump(DecisionCategorical, 0)
	m.Trees[0].CatBoundaries, m.Trees[0].CatBits = []int32{0, 2}, []uint32{1<<0 | 1<<5, 1 << 1} // {0, 5, 33}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	for x, want := range map[float64]float64{0: -1, 5: -1, 33: -1, 5.9: -1, -0.5: -1, 1: 1, 34: 1, 64: 1, 1e12: 1,
		-1: 1, math.Inf(1): 1, math.Inf(-1): 1} {
		if got := m.Margin([]float64{x}); got != want {
			t.Errorf("margin(%v) = %v, want %v", x, got, want)
		}
	}
	if got := m.Margin([]float64{math.NaN()}); got != 1 {
		t.Errorf("margin(NaN) = %v, want 1", got)
	}
}

func TestSums(t *testing.T) {
	m := stump(0, 0)
	m.Init = 0.1
	m.Trees = append(m.Trees, m.Trees[0])
	if got := m.Margin([]float64{1}); got != 2.1 {
		t.Errorf("margin = %v, want 2.1", got)
	}
	m.Float32Sums = true
	if got := m.Margin([]float64{1}); got != float64(float32(0.1)+1+1) {
		t.Errorf("float32 margin = %v", got)
	}
	m.Float32Sums, m.Average, m.Init = false, true, 0
	if got := m.Margin([]float64{1}); got != 1 {
		t.Errorf("average = %v, want 1", got)
	}
	if p := m.Probability(0); p != 0.5 {
		t.Errorf("probability(0) = %v", p)
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Model){
		"no features":      func(m *Model) { m.Features = nil },
		"init":             func(m *Model) { m.Init = math.NaN() },
		"feature":          func(m *Model) { m.Trees[0].Feature[0] = 1 },
		"negative feature": func(m *Model) { m.Trees[0].Feature[0] = -1 },
		"threshold":        func(m *Model) { m.Trees[0].Threshold[0] = math.NaN() },
		"decision":         func(m *Model) { m.Trees[0].Decision[0] = 12 },
		"cycle":            func(m *Model) { m.Trees[0].Left[0] = 0 },
		"child":            func(m *Model) { m.Trees[0].Left[0] = 1 },
		"leaf":             func(m *Model) { m.Trees[0].Right[0] = ^2 },
		"shared leaf":      func(m *Model) { m.Trees[0].Right[0] = ^0 },
		"leaf value":       func(m *Model) { m.Trees[0].LeafValue[1] = math.Inf(1) },
		"no leaves":        func(m *Model) { m.Trees[0].LeafValue = nil },
		"lengths":          func(m *Model) { m.Trees[0].Left = nil },
		"gain":             func(m *Model) { m.Trees[0].Gain = make([]float64, 3) },
		"category":         func(m *Model) { m.Trees[0].Decision[0] = DecisionCategorical },
		"bits": func(m *Model) {
			m.Trees[0].Decision[0], m.Trees[0].Threshold[0], m.Trees[0].CatBoundaries = DecisionCategorical, 0,
				[]int32{0, 1}
		},
		"boundaries": func(m *Model) { m.Trees[0].CatBoundaries = []int32{3, 1} },
	} {
		m := stump(0, 0.5)
		change(m)
		if err := m.Validate(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", name, err)
		}
	}
	if err := stump(0, 0.5).Validate(); err != nil {
		t.Error(err)
	}
	many := stump(0, 0.5)
	for range 99 {
		many.Trees = append(many.Trees, stump(0, 0.5).Trees[0])
	}
	many.Trees[17].Right[0], many.Trees[80].LeafValue[0] = ^2, math.NaN()
	if err := many.Validate(); err == nil || !strings.Contains(err.Error(), "tree 17:") {
		t.Errorf("error %v, want that of tree 17, the first that is broken", err)
	}
	m := stump(0, 0.5)
	m.Trees = append(m.Trees, Tree{LeafValue: []float64{0.25}})
	if err := m.Validate(); err != nil || m.Margin([]float64{0}) != -0.75 {
		t.Errorf("a tree of one leaf: %v, margin %v", err, m.Margin([]float64{0}))
	}
}
