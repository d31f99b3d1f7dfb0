// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/assayrisk/assay/models"
)

// Header keys that only this project writes. LightGBM and leaves skip keys that
// they do not know.
const (
	keyInit        = "assay_init"          // the first tree is the constant Init
	keyFloat32Sums = "assay_float32_sums"  // sums are rounded to float32 at each step
	keyNames       = "assay_feature_names" // names that LightGBM would refuse, as JSON
)

// ReadLightGBM reads a model in LightGBM's text format, versions v2 to v4, as
// Booster.save_model writes it: one output, trees without linear leaves, and
// an objective whose margin this project can use (binary, cross_entropy,
// quantile, and the regressions without a link).
func ReadLightGBM(r io.Reader) (*models.Model, error) {
	b, err := readAll(r)
	if err != nil {
		return nil, err
	}
	m, err := readLightGBM(b)
	if err != nil {
		return nil, fmt.Errorf("lightgbm: %w", err)
	}
	return m, nil
}

func readLightGBM(b []byte) (*models.Model, error) {
	l := &lineReader{rest: b}
	if first, _ := l.next(); strings.TrimSpace(first) != "tree" {
		return nil, fmt.Errorf("%w: the first line is not \"tree\"", ErrFormat)
	}
	h, err := l.section()
	if err != nil {
		return nil, err
	}
	m, err := h.model()
	if err != nil {
		return nil, err
	}
	for {
		line, ok := l.next()
		if !ok {
			return nil, fmt.Errorf("%w: no \"end of trees\": the file is cut off", ErrFormat)
		}
		if line == "" {
			continue
		}
		if line == "end of trees" {
			break
		}
		if want := "Tree=" + strconv.Itoa(len(m.Trees)); line != want {
			return nil, fmt.Errorf("%w: line %d: want %q", ErrFormat, l.number, want)
		}
		if len(m.Trees) == models.MaxTrees {
			return nil, fmt.Errorf("%w: more than %d trees", ErrFormat, models.MaxTrees)
		}
		s, err := l.section()
		if err != nil {
			return nil, err
		}
		t, err := s.tree()
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", len(m.Trees), err)
		}
		m.Trees = append(m.Trees, t)
	}
	if sizes, ok := h["tree_sizes"]; ok && len(strings.Fields(sizes)) != len(m.Trees) {
		return nil, fmt.Errorf("%w: %d trees, tree_sizes has %d: some are missing, or the file was edited", ErrFormat,
			len(m.Trees), len(strings.Fields(sizes)))
	}
	m.Params = l.params()
	dictionaries, err := l.pandasCategorical()
	if err != nil {
		return nil, err
	}
	if err := assignDictionaries(m, dictionaries); err != nil {
		return nil, err
	}
	if a, err := strconv.ParseFloat(m.Params["alpha"], 64); err == nil && m.Objective == models.Quantile &&
		m.Alpha == 0 {
		m.Alpha = a
	}
	if _, ok := h[keyInit]; ok {
		if len(m.Trees) == 0 || m.Trees[0].Leaves() != 1 {
			return nil, fmt.Errorf("%w: %s without a constant first tree", ErrFormat, keyInit)
		}
		m.Init, m.Trees = m.Trees[0].LeafValue[0], m.Trees[1:]
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	return m, nil
}

// lineReader cuts a file into lines without their ends.
type lineReader struct {
	rest   []byte
	number int
}

func (l *lineReader) next() (string, bool) {
	if len(l.rest) == 0 {
		return "", false
	}
	line, rest, _ := bytes.Cut(l.rest, []byte{'\n'})
	l.rest = rest
	l.number++
	return string(bytes.TrimSuffix(line, []byte{'\r'})), true
}

// section reads key=value lines up to a blank line.
func (l *lineReader) section() (section, error) {
	s := section{}
	for {
		line, ok := l.next()
		if !ok {
			return nil, fmt.Errorf("%w: the file is cut off at line %d", ErrFormat, l.number)
		}
		if line == "" {
			return s, nil
		}
		k, v, _ := strings.Cut(line, "=")
		if _, dup := s[k]; dup {
			return nil, fmt.Errorf("%w: line %d: a second %q", ErrFormat, l.number, clip(k))
		}
		s[k] = v
	}
}

// params reads the block of training parameters after the trees, if any.
func (l *lineReader) params() map[string]string {
	var p map[string]string
	inside := false
	for {
		line, ok := l.next()
		switch {
		case !ok || line == "end of parameters":
			return p
		case line == "parameters:":
			inside = true
		case inside && strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			if k, v, ok := strings.Cut(line[1:len(line)-1], ": "); ok {
				if p == nil {
					p = map[string]string{}
				}
				p[k] = v
			}
		}
	}
}

// section is the key=value lines of the header or of one tree.
type section map[string]string

// model makes an empty model of a header.
func (s section) model() (*models.Model, error) {
	switch v := s["version"]; v {
	case "v2", "v3", "v4":
	default:
		return nil, fmt.Errorf("%w: version %q, this program reads v2, v3 and v4", ErrUnsupported, clip(v))
	}
	for _, k := range []string{"num_class", "num_tree_per_iteration"} {
		if v := s[k]; v != "1" {
			return nil, fmt.Errorf("%w: %s is %q: only models with one output are read", ErrUnsupported, k, clip(v))
		}
	}
	last, err := strconv.Atoi(s["max_feature_idx"])
	if err != nil || last < 0 || last >= models.MaxFeatures {
		return nil, fmt.Errorf("%w: max_feature_idx is %q, want 0 to %d", ErrFormat,
			clip(s["max_feature_idx"]), models.MaxFeatures-1)
	}
	m := &models.Model{Sigmoid: 1}
	_, m.Average = s["average_output"]
	m.Float32Sums = s[keyFloat32Sums] == "1"
	if err := s.objective(m); err != nil {
		return nil, err
	}
	names := strings.Fields(s["feature_names"])
	if js, ok := s[keyNames]; ok {
		names = nil
		if err := json.Unmarshal([]byte(js), &names); err != nil {
			return nil, fmt.Errorf("%w: %s: not a JSON list of strings", ErrFormat, keyNames)
		}
	}
	infos := strings.Fields(s["feature_infos"])
	if len(names) != last+1 || len(infos) != 0 && len(infos) != last+1 {
		return nil, fmt.Errorf("%w: %d feature names and %d feature infos for %d features", ErrFormat,
			len(names), len(infos), last+1)
	}
	monotone := strings.Fields(s["monotone_constraints"])
	if len(monotone) != 0 && len(monotone) != last+1 {
		return nil, fmt.Errorf("%w: %d monotone_constraints for %d features", ErrFormat, len(monotone), last+1)
	}
	m.Features = make([]models.FeatureInfo, last+1)
	for i := range m.Features {
		f := &m.Features[i]
		f.Name = names[i]
		if len(infos) > 0 {
			if err := parseInfo(f, infos[i]); err != nil {
				return nil, err
			}
		}
		if len(monotone) > 0 {
			d, err := strconv.ParseInt(monotone[i], 10, 8)
			if err != nil || d < -1 || d > 1 {
				return nil, fmt.Errorf("%w: monotone_constraints of feature %d is not -1, 0 or 1", ErrFormat, i)
			}
			f.Monotone = int8(d)
		}
	}
	return m, nil
}

// objective reads "binary sigmoid:1" and its like.
func (s section) objective(m *models.Model) error {
	words := strings.Fields(s["objective"])
	if len(words) == 0 { // trained with a function of the caller's: the margin is the prediction
		m.Objective = models.Regression
		return nil
	}
	switch words[0] {
	case "binary":
		m.Objective = models.Binary
	case "cross_entropy", "xentropy":
		m.Objective = models.CrossEntropy
	case "quantile":
		m.Objective = models.Quantile
	case "regression", "regression_l2", "regression_l1", "huber", "fair", "mape":
		m.Objective = models.Regression
	default:
		return fmt.Errorf("%w: objective %q: want binary, cross_entropy, quantile or a regression without a link "+
			"function", ErrUnsupported, clip(words[0]))
	}
	for _, w := range words[1:] {
		k, v, _ := strings.Cut(w, ":")
		if k == "sqrt" {
			return fmt.Errorf("%w: a regression on square roots (reg_sqrt)", ErrUnsupported)
		}
		to := map[string]*float64{"sigmoid": &m.Sigmoid, "alpha": &m.Alpha}[k]
		if to == nil {
			continue
		}
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || !(x > 0) || math.IsInf(x, 0) {
			return fmt.Errorf("%w: objective: %s is %q, want a positive number", ErrFormat, k, clip(v))
		}
		*to = x
	}
	return nil
}

// parseInfo reads one feature_infos entry: "[min:max]", "none", or the
// categories "3:1:7".
func parseInfo(f *models.FeatureInfo, s string) error {
	bad := fmt.Errorf("%w: feature info %q of %q", ErrFormat, clip(s), clip(f.Name))
	if s == "none" {
		f.Constant = true
		return nil
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		lo, hi, ok := strings.Cut(s[1:len(s)-1], ":")
		var err1, err2 error
		f.Min, err1 = strconv.ParseFloat(lo, 64)
		f.Max, err2 = strconv.ParseFloat(hi, 64)
		if !ok || err1 != nil || err2 != nil {
			return bad
		}
		return nil
	}
	f.Categorical = true
	for c := range strings.SplitSeq(s, ":") {
		v, err := strconv.ParseInt(c, 10, 32)
		if err != nil {
			return bad
		}
		f.Categories = append(f.Categories, int32(v))
	}
	return nil
}
