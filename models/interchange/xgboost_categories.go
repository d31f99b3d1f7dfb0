// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/assayrisk/assay/models"
)

// xgbDictionaries reads the categories of the training frame, which XGBoost
// keeps since 3.1: for each feature its texts, as bytes and where each begins,
// or its numbers. XGBoost refuses a value that is not among them.
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
			return nil, fmt.Errorf("%w: texts beyond ASCII: XGBoost (3.1 and 3.2) cuts them at the wrong "+
				"places, so that they cannot be told apart: train on names in ASCII", ErrUnsupported)
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
