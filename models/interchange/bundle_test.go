// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest/foresttest"
	"github.com/assayrisk/assay/models/interchange"
)

func TestLoadModel(t *testing.T) {
	m := foresttest.Model(3, shapes["float32"])
	facts := models.ModelFacts{Trees: len(m.Trees), Features: len(m.Features), Init: m.Init, Float32Sums: true}
	text := write(t, m)
	b := &models.Bundle{ModelText: text, Manifest: models.Manifest{Model: facts}}
	got, err := interchange.LoadModel(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) || b.Model != got {
		t.Fatal("the bundle's model is not the model written")
	}
	for name, change := range map[string]func(f *models.ModelFacts){
		"trees":    func(f *models.ModelFacts) { f.Trees++ },
		"features": func(f *models.ModelFacts) { f.Features-- },
		"init":     func(f *models.ModelFacts) { f.Init = 5 },
		"monotone": func(f *models.ModelFacts) { f.Monotone = []int8{1} },
	} {
		t.Run(name, func(t *testing.T) {
			f := facts
			change(&f)
			if _, err := interchange.LoadModel(&models.Bundle{ModelText: text,
				Manifest: models.Manifest{Model: f}}); !errors.Is(err, models.ErrBundle) {
				t.Fatalf("error %v, want ErrBundle", err)
			}
		})
	}
}
