// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/assayrisk/assay/models"
)

// pandasKey begins the last line of a LightGBM file: for each category column
// of the pandas frame that it was trained on, the values of its codes.
const pandasKey = "pandas_categorical:"

// pandasCategorical reads that line, if there is one.
func (l *lines) pandasCategorical() ([]*models.Dictionary, error) {
	for {
		line, ok := l.next()
		if !ok {
			return nil, nil
		}
		text, ok := strings.CutPrefix(line, pandasKey)
		if !ok {
			continue
		}
		var lists [][]any
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		if err := d.Decode(&lists); err != nil {
			return nil, fmt.Errorf("%w: %s is not a list of lists", ErrFormat, strings.TrimSuffix(pandasKey, ":"))
		}
		out := make([]*models.Dictionary, len(lists))
		for i, values := range lists {
			var err error
			if out[i], err = dictionaryOf(values); err != nil {
				return nil, fmt.Errorf("list %d of %s: %w", i+1, strings.TrimSuffix(pandasKey, ":"), err)
			}
		}
		return out, nil
	}
}

// dictionaryOf makes a dictionary of JSON values, all of one kind.
func dictionaryOf(values []any) (*models.Dictionary, error) {
	d := &models.Dictionary{}
	for _, v := range values {
		kind, text := models.DictionaryTexts, ""
		switch v := v.(type) {
		case string:
			text = v
		case bool:
			kind, text = models.DictionaryFlags, strconv.FormatBool(v)
		case json.Number:
			x, err := v.Float64()
			if err != nil {
				return nil, fmt.Errorf("%w: a category is not a number", ErrFormat)
			}
			if kind, text = models.DictionaryNumbers, numberName(x); math.Abs(x) >= 1<<53 {
				return nil, fmt.Errorf("%w: a category is a number of 2^53 or more, which is not told from its "+
					"neighbour: train on its text", ErrUnsupported)
			}
		default:
			return nil, fmt.Errorf("%w: a category is neither a text, a number nor a boolean: train on its text",
				ErrUnsupported)
		}
		if d.Kind != "" && d.Kind != kind {
			return nil, fmt.Errorf("%w: categories of several kinds (%s and %s) in one column: train on their texts",
				ErrUnsupported, d.Kind, kind)
		}
		d.Kind, d.Values = kind, append(d.Values, text)
	}
	return d, checkDictionary(d)
}

// checkDictionary refuses what cannot be told apart in a row.
func checkDictionary(d *models.Dictionary) error {
	seen := make(map[string]bool, len(d.Values))
	for _, v := range d.Values {
		switch {
		case seen[v]:
			return fmt.Errorf("%w: the category %q is there twice", ErrFormat, clip(v))
		case v == "":
			return fmt.Errorf("%w: a category is the empty text, which is a missing value here: give it a name "+
				"before training", ErrUnsupported)
		case !utf8.ValidString(v):
			return fmt.Errorf("%w: a category is not UTF-8", ErrFormat)
		}
		seen[v] = true
	}
	return nil
}

func numberName(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// xgbDictionaries reads the categories of the training frame, which XGBoost
// keeps since 3.1: for each feature its texts, as bytes and where each begins,
// or its numbers. XGBoost refuses a value that they lack.
func xgbDictionaries(m *models.Model, cats *document) error {
	all := cats.field("enc").list
	if len(all) == 0 {
		return nil
	}
	if len(all) != len(m.Features) {
		return fmt.Errorf("%w: categories of %d features, the model has %d", ErrFormat, len(all), len(m.Features))
	}
	for i, of := range all {
		f := &m.Features[i]
		d := &models.Dictionary{Kind: models.DictionaryNumbers, Closed: true}
		offsets, texts := of.fields["offsets"]
		values := of.field("values")
		switch {
		case len(values.list) > 0:
			return fmt.Errorf("%w: the categories of %q are not a list of numbers", ErrFormat, clip(f.Name))
		case texts && len(offsets.numbers) == 0:
			continue // no category
		case texts:
			var err error
			if d, err = xgbTexts(offsets, values); err != nil {
				return fmt.Errorf("the categories of %q: %w", clip(f.Name), err)
			}
		case len(values.numbers) == 0:
			continue
		default:
			for _, x := range values.numbers {
				if math.Abs(x) >= 1<<53 || x != math.Trunc(x) {
					return fmt.Errorf("%w: a category of %q is not a whole number below 2^53: train on its text",
						ErrUnsupported, clip(f.Name))
				}
				d.Values = append(d.Values, numberName(x))
			}
		}
		if err := checkDictionary(d); err != nil {
			return fmt.Errorf("the categories of %q: %w", clip(f.Name), err)
		}
		f.Categorical, f.Dictionary = true, d
	}
	return nil
}

func xgbTexts(offsets, values *document) (*models.Dictionary, error) {
	raw, ok1 := values.integers(-128, 255)
	at, ok2 := offsets.integers(0, float64(len(raw)))
	if !ok1 || !ok2 || at[0] != 0 || at[len(at)-1] != len(raw) {
		return nil, fmt.Errorf("%w: texts and where they begin do not fit", ErrFormat)
	}
	b := make([]byte, len(raw))
	for i, v := range raw {
		if b[i] = byte(v); b[i] >= utf8.RuneSelf {
			return nil, fmt.Errorf("%w: texts beyond ASCII: XGBoost (3.1 and 3.2) writes them cut at the wrong "+
				"places, so that they cannot be told: "+
				"train on names in ASCII", ErrUnsupported)
		}
	}
	d := &models.Dictionary{Kind: models.DictionaryTexts, Closed: true}
	for i := 1; i < len(at); i++ {
		if at[i] < at[i-1] {
			return nil, fmt.Errorf("%w: texts and where they begin do not fit", ErrFormat)
		}
		d.Values = append(d.Values, string(b[at[i-1]:at[i]]))
	}
	return d, nil
}
