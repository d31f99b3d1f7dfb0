// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/models"
)

// tree reads the section of one tree. Lists have the lengths that they have in
// the file; models.Validate compares these with one another.
func (s section) tree() (models.Tree, error) {
	var t models.Tree
	if v, ok := s["is_linear"]; ok && v != "0" {
		return t, fmt.Errorf("%w: linear trees (linear_tree=true): train without them", ErrUnsupported)
	}
	leaves, err := strconv.Atoi(s["num_leaves"])
	if err != nil || leaves < 1 || leaves > models.MaxLeaves {
		return t, fmt.Errorf("%w: num_leaves is %q, want 1 to %d", ErrFormat, clip(s["num_leaves"]), models.MaxLeaves)
	}
	p := listParser{section: s}
	t.LeafValue = parseList(&p, "leaf_value", true, parseFloat)
	t.LeafHess = parseList(&p, "leaf_weight", false, parseFloat)
	t.LeafCount = parseList(&p, "leaf_count", false, parseInt64)
	t.Shrinkage = 1
	if v, ok := s["shrinkage"]; ok {
		if t.Shrinkage, err = strconv.ParseFloat(v, 64); err != nil {
			return t, fmt.Errorf("%w: shrinkage is not a number", ErrFormat)
		}
	}
	if leaves > 1 {
		t.Feature = parseList(&p, "split_feature", true, parseInt32)
		t.Threshold = parseList(&p, "threshold", true, parseFloat)
		t.Decision = parseList(&p, "decision_type", true, parseUint8)
		t.Left = parseList(&p, "left_child", true, parseInt32)
		t.Right = parseList(&p, "right_child", true, parseInt32)
		t.Gain = parseList(&p, "split_gain", false, parseFloat)
		t.NodeValue = parseList(&p, "internal_value", false, parseFloat)
		t.NodeHess = parseList(&p, "internal_weight", false, parseFloat)
		t.NodeCount = parseList(&p, "internal_count", false, parseInt64)
	}
	if v := s["num_cat"]; v != "" && v != "0" {
		t.CatBoundaries = parseList(&p, "cat_boundaries", true, parseInt32)
		t.CatBits = parseList(&p, "cat_threshold", true, parseUint32)
		if n, err := strconv.Atoi(v); err != nil || n != len(t.CatBoundaries)-1 {
			return t, fmt.Errorf("%w: num_cat is %q and cat_boundaries has %d entries", ErrFormat,
				clip(v), len(t.CatBoundaries))
		}
	}
	if p.err != nil {
		return t, p.err
	}
	if len(t.LeafValue) != leaves {
		return t, fmt.Errorf("%w: %d leaf values for %d leaves", ErrFormat, len(t.LeafValue), leaves)
	}
	return t, nil
}

// listParser keeps the first error of several lists.
type listParser struct {
	section section
	err     error
}

func parseList[T any](p *listParser, key string, required bool, parse func(string) (T, error)) []T {
	v, ok := p.section[key]
	if !ok && required && p.err == nil {
		p.err = fmt.Errorf("%w: no %s", ErrFormat, key)
	}
	if strings.TrimSpace(v) == "" || p.err != nil {
		return nil
	}
	out := make([]T, 0, strings.Count(v, " ")+1)
	for w := range strings.FieldsSeq(v) {
		x, err := parse(w)
		if err != nil {
			p.err = fmt.Errorf("%w: %s: entry %d is %q", ErrFormat, key, len(out), clip(w))
			return nil
		}
		out = append(out, x)
	}
	return out
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func parseInt64(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

func parseInt32(s string) (int32, error) {
	v, err := strconv.ParseInt(s, 10, 32)
	return int32(v), err
}

func parseUint32(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 10, 32)
	return uint32(v), err
}

func parseUint8(s string) (uint8, error) {
	v, err := strconv.ParseUint(s, 10, 8)
	return uint8(v), err
}
