// SPDX-License-Identifier: Apache-2.0

package training

import (
	"sort"
	"strings"
)

// ParseParams reads "num_leaves=15,learning_rate=0.05". A value may hold commas
// inside quotes or parentheses, as LightGBM's lists do when they are given as
// "monotone_constraints=(1,-1,0)".
func ParseParams(s string) (map[string]string, error) {
	out := map[string]string{}
	for s = strings.TrimSpace(s); s != ""; {
		key, rest, ok := strings.Cut(s, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" || strings.ContainsAny(key, ", ") {
			return nil, optionError("--params: %q is not key=value; write for example num_leaves=15,learning_rate=0.05",
				s)
		}
		value, tail := cutValue(rest)
		if _, dup := out[key]; dup {
			return nil, optionError("--params: %s is given twice", key)
		}
		out[key], s = value, strings.TrimSpace(tail)
	}
	return out, nil
}

// cutValue splits rest at the first comma outside parentheses and brackets.
func cutValue(rest string) (value, tail string) {
	depth := 0
	for i, r := range rest {
		switch r {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ',':
			if depth <= 0 {
				return unwrap(rest[:i]), rest[i+1:]
			}
		}
	}
	return unwrap(rest), ""
}

func unwrap(v string) string {
	v = strings.TrimSpace(v)
	if len(v) >= 2 && v[0] == '(' && v[len(v)-1] == ')' {
		v = v[1 : len(v)-1]
	}
	return v
}

// FormatParams is the inverse of ParseParams, sorted by key.
func FormatParams(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for i, k := range keys {
		v := m[k]
		if strings.Contains(v, ",") {
			v = "(" + v + ")"
		}
		keys[i] = k + "=" + v
	}
	return strings.Join(keys, ",")
}
