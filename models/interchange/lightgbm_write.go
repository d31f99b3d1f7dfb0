// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/models"
)

// WriteLightGBM writes m in LightGBM's text format, version v3, which LightGBM
// 3 and 4 and leaves read. Numbers are the shortest decimals that read back to
// the same bits, so that ReadLightGBM gives m again and LightGBM predicts m's
// margin bit for bit. Three things have no place in the format:
//
//   - Init becomes a first tree of one leaf, which a sum that starts at 0
//     passes through unchanged. The reader makes it Init again.
//   - Float32Sums becomes a header line that only this package reads. LightGBM
//     and leaves find the same leaves, and add them up in float64.
//   - Names that LightGBM would refuse are written with '_' for each character
//     that it does not allow, and once more, in full, in such a header line.
func WriteLightGBM(w io.Writer, m *models.Model) error {
	if err := m.Validate(); err != nil {
		return fmt.Errorf("lightgbm: %w", err)
	}
	trees := m.Trees
	constant := m.Init != 0 || len(trees) == 0
	if constant {
		if m.Average && m.Init != 0 {
			return fmt.Errorf("lightgbm: %w: an averaged forest with an initial score", ErrUnsupported)
		}
		trees = slices.Concat([]models.Tree{{LeafValue: []float64{m.Init}, Shrinkage: 1}}, trees)
	}
	blocks := make([][]byte, len(trees))
	sizes := make([]string, len(trees))
	for i := range trees {
		blocks[i] = appendTree(nil, i, &trees[i])
		sizes[i] = strconv.Itoa(len(blocks[i]))
	}
	b := appendHeader(nil, m, constant)
	b = append(b, "tree_sizes="+strings.Join(sizes, " ")+"\n\n"...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	for _, t := range blocks {
		if _, err := w.Write(t); err != nil {
			return err
		}
	}
	_, err := w.Write(appendTrailer(nil, m))
	return err
}

func appendHeader(b []byte, m *models.Model, constant bool) []byte {
	b = append(b, "tree\nversion=v3\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"...)
	b = fmt.Appendf(b, "max_feature_idx=%d\n", len(m.Features)-1)
	sigmoid := m.Sigmoid
	if sigmoid == 0 {
		sigmoid = 1
	}
	switch m.Objective {
	case models.Binary:
		b = append(b, "objective=binary sigmoid:"+shortest(sigmoid)+"\n"...)
	case models.Quantile:
		if !(m.Alpha > 0) {
			b = append(b, "objective=quantile\n"...)
			break
		}
		b = append(b, "objective=quantile alpha:"+shortest(m.Alpha)+"\n"...)
	default:
		b = append(b, "objective="+string(m.Objective)+"\n"...)
	}
	if m.Average {
		b = append(b, "average_output\n"...)
	}
	names, plain := plainNames(m.Features)
	b = append(b, "feature_names="+strings.Join(plain, " ")+"\n"...)
	if slices.ContainsFunc(m.Features, func(f models.FeatureInfo) bool { return f.Monotone != 0 }) {
		b = append(b, "monotone_constraints="...)
		b = appendList(b, m.Features, func(b []byte, f models.FeatureInfo) []byte {
			return strconv.AppendInt(b, int64(f.Monotone), 10)
		})
	}
	b = append(b, "feature_infos="...)
	b = appendList(b, m.Features, appendInfo)
	if constant && m.Init != 0 {
		b = append(b, keyInit+"=1\n"...)
	}
	if m.Float32Sums {
		b = append(b, keyFloat32Sums+"=1\n"...)
	}
	if !slices.Equal(names, plain) {
		js, _ := json.Marshal(names) // a list of strings always marshals
		b = append(b, keyNames+"="+strings.ReplaceAll(string(js), "=", `\u003d`)+"\n"...)
	}
	return b
}

// plainNames gives the features' names, and names that LightGBM accepts: without
// white space, without characters that mean something in JSON or in a header
// line, and no two the same.
func plainNames(features []models.FeatureInfo) (names, plain []string) {
	taken := make(map[string]bool, len(features))
	for i, f := range features {
		p := strings.Map(func(r rune) rune {
			if r <= ' ' || r == 0x7f || strings.ContainsRune("\",:[]{}=", r) || r == '\uFFFD' ||
				strings.TrimSpace(string(r)) == "" {
				return '_'
			}
			return r
		}, f.Name)
		if p == "" {
			p = "Column_" + strconv.Itoa(i)
		}
		for taken[p] {
			p += "_" + strconv.Itoa(i)
		}
		taken[p] = true
		names, plain = append(names, f.Name), append(plain, p)
	}
	return names, plain
}

func appendInfo(b []byte, f models.FeatureInfo) []byte {
	switch {
	case f.Categorical && len(f.Categories) > 0:
		for i, c := range f.Categories {
			if i > 0 {
				b = append(b, ':')
			}
			b = strconv.AppendInt(b, int64(c), 10)
		}
		return b
	case f.Constant || f.Categorical:
		return append(b, "none"...)
	}
	b = append(appendFloat(append(b, '['), f.Min), ':')
	return append(appendFloat(b, f.Max), ']')
}

func appendTree(b []byte, i int, t *models.Tree) []byte {
	b = fmt.Appendf(b, "Tree=%d\nnum_leaves=%d\nnum_cat=%d\n", i, t.Leaves(), max(len(t.CatBoundaries)-1, 0))
	b = appendList(append(b, "split_feature="...), t.Feature, appendInt)
	b = appendOptional(b, "split_gain=", t.Gain, appendFloat)
	b = appendList(append(b, "threshold="...), t.Threshold, appendFloat)
	b = appendList(append(b, "decision_type="...), t.Decision, appendInt)
	b = appendList(append(b, "left_child="...), t.Left, appendInt)
	b = appendList(append(b, "right_child="...), t.Right, appendInt)
	b = appendList(append(b, "leaf_value="...), t.LeafValue, appendFloat)
	b = appendOptional(b, "leaf_weight=", t.LeafHess, appendFloat)
	b = appendOptional(b, "leaf_count=", t.LeafCount, appendInt)
	b = appendOptional(b, "internal_value=", t.NodeValue, appendFloat)
	b = appendOptional(b, "internal_weight=", t.NodeHess, appendFloat)
	b = appendOptional(b, "internal_count=", t.NodeCount, appendInt)
	if len(t.CatBoundaries) > 1 {
		b = appendList(append(b, "cat_boundaries="...), t.CatBoundaries, appendInt)
		b = appendList(append(b, "cat_threshold="...), t.CatBits, appendInt)
	}
	b = append(b, "is_linear=0\nshrinkage="...)
	return append(appendFloat(b, t.Shrinkage), "\n\n\n"...)
}

func appendTrailer(b []byte, m *models.Model) []byte {
	b = append(b, "end of trees\n\nfeature_importances:\n"...)
	_, plain := plainNames(m.Features)
	splits := make([]int, len(plain))
	for i := range m.Trees {
		for _, f := range m.Trees[i].Feature {
			splits[f]++
		}
	}
	order := make([]int, len(plain))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return splits[j] - splits[i] })
	for _, i := range order {
		if splits[i] > 0 {
			b = fmt.Appendf(b, "%s=%d\n", plain[i], splits[i])
		}
	}
	b = append(b, "\nparameters:\n"...)
	for _, k := range slices.Sorted(maps.Keys(m.Params)) {
		if !strings.ContainsAny(k+m.Params[k], "\r\n") {
			b = fmt.Appendf(b, "[%s: %s]\n", k, m.Params[k])
		}
	}
	return append(b, "\nend of parameters\n\npandas_categorical:null\n"...)
}

func appendOptional[T any](b []byte, key string, vals []T, one func([]byte, T) []byte) []byte {
	if len(vals) == 0 {
		return b
	}
	return appendList(append(b, key...), vals, one)
}

func appendList[T any](b []byte, vals []T, one func([]byte, T) []byte) []byte {
	for i, v := range vals {
		if i > 0 {
			b = append(b, ' ')
		}
		b = one(b, v)
	}
	return append(b, '\n')
}

func appendInt[T ~int32 | ~int64 | ~uint8 | ~uint32](b []byte, v T) []byte {
	return strconv.AppendInt(b, int64(v), 10)
}

func shortest(x float64) string { return string(appendFloat(nil, x)) }

// appendFloat appends the shortest decimal that reads back to x.
func appendFloat(b []byte, x float64) []byte {
	switch {
	case math.IsInf(x, 1):
		return append(b, "inf"...)
	case math.IsInf(x, -1):
		return append(b, "-inf"...)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}
