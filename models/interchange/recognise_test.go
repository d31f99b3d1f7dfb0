// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange"
)

// TestRecognise calls files by their names: those that are read by their format,
// others by what they are and what writes a file that is read. Beginnings are
// those of files that the programs wrote.
func TestRecognise(t *testing.T) {
	for name, c := range map[string]struct{ begins, says, do string }{
		"gzip":     {"\x1f\x8b\x08\x00", "gzip", "gunzip"},
		"zip":      {"PK\x03\x04\x14\x00", "zip", "unpack"},
		"zstd":     {"\x28\xb5\x2f\xfd\x04", "zstd", "unzstd"},
		"bzip2":    {"BZh91AY", "bzip2", "bunzip2"},
		"xz":       {"\xfd7zXZ\x00\x00", "xz", "unxz"},
		"UTF-16":   {"\xff\xfet\x00r\x00e\x00e\x00", "UTF-16", "UTF-8"},
		"H2O MOJO": {"PK\x03\x04\x14\x00\x08\x08\x08\x00model.ini", "H2O MOJO", "LightGBM"},
		"H2O POJO": {"import hex.genmodel.GenModel;\npublic class gbm extends GenModel {", "H2O POJO",
			"LightGBM"},
		"skops":           {"PK\x03\x04\x14\x00\x00\x00\x00\x00schema.json", "skops", "pickle.dump"},
		"CatBoost binary": {"CBM1\xb0\x1a\x00\x00", "CatBoost", `format="json"`},
		"CatBoost C++":    {"#include <string>\nstatic const struct CatboostModel {", "C++", `format="json"`},
		"ONNX": {"\x08\x0a\x12\x08skl2onnx\x1a\x061.20.0", "ONNX",
			`XGBoost booster.save_model("model.json"), scikit-learn`},
		"ONNX of CatBoost": {"\x08\x03\x12\x08CatBoost\x1a\xda\x02Git info", "ONNX", `format="json"`},
		"PMML": {`<?xml version="1.0"?>` + "\n" + `<PMML version="4.3">`, "PMML",
			`LightGBM booster.save_model("model.txt")`},
		"LightGBM rows": {"______LightGBM_Binary_File_Token______\n\x00", "save_binary",
			`booster.save_model("model.txt")`},
		"LightGBM dump": {`{"name": "tree", "version": "v4", "num_class": 1, "num_tree_per_iteration": 1,`,
			"dump_model", `save_model("model.txt")`},
		"XGBoost dump": {"booster[0]:\n0:[f0<0.18874301] yes=1,no=2,missing=2\n", "text dump",
			`save_model("model.json")`},
		"XGBoost get_dump": {"0:[f0<0.18874301] yes=1,no=2,missing=2\n", "text dump", `save_model("model.json")`},
		"XGBoost JSON":     {"[\n  { \"nodeid\": 0, \"depth\": 0,", "JSON dump", `save_model("model.json")`},
		"XGBoost config": {`{"learner":{"generic_param":{"device":"cpu"`, "configuration",
			`save_model("model.json")`},
		"XGBoost pickle": {"\x80\x04\x95\x00\x8c\x0fxgboost.sklearn\x94\x8c\rXGBClassifier\x94",
			"XGBoost's classes", "get_booster()"},
		"LightGBM pickle": {"\x80\x04\x95\x00\x8c\x0elightgbm.basic\x94\x8c\x07Booster\x94", "LightGBM's classes",
			"booster_.save_model"},
		"CatBoost pickle": {"\x80\x04\x95\x00\x8c\rcatboost.core\x94\x8c\x12CatBoostClassifier",
			"CatBoost's classes", `format="json"`},
		"joblib":   {"\x80\x04\x95\x00\x8c\x13joblib.numpy_pickle\x94", "joblib", "pickle.dump"},
		"R object": {"X\n\x00\x00\x00\x03", "R object", `lgb.save(model, "model.txt")`},
	} {
		format, err := interchange.Recognise([]byte(c.begins))
		if format != "" || !errors.Is(err, interchange.ErrUnsupported) || !strings.Contains(err.Error(), c.says) ||
			!strings.Contains(err.Error(), c.do) {
			t.Errorf("%s: %q, %v: want words on %q and %q", name, format, err, c.says, c.do)
		}
	}
	formats := map[string]string{"lightgbm-*.txt": "lightgbm", "xgboost-*.json": "xgboost", "xgboost-*.ubj": "xgboost",
		"xgboost-*.bin": "xgboost-binary", "sklearn-*.pkl": "sklearn"}
	for pattern, want := range formats {
		for _, file := range modelFiles(t, pattern) {
			if strings.HasSuffix(file, ".rows.json") || strings.HasSuffix(file, "-old.pkl") || strings.HasSuffix(file,
				"regression.bin") {
				continue // protocol 0 and a regression's binary have no mark of their own
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := interchange.Recognise(b); got != want || err != nil {
				t.Errorf("%s: %q, %v", filepath.Base(file), got, err)
			}
		}
	}
	for _, text := range []string{"", "tree", "{", "\x80", "row,margin\n1,2\n"} {
		if format, err := interchange.Recognise([]byte(text)); format != "" || err != nil {
			t.Errorf("%q: %q, %v", text, format, err)
		}
	}
}

// TestByteOrderMark: an editor's mark before a text changes nothing.
func TestByteOrderMark(t *testing.T) {
	for file, read := range map[string]func([]byte) (*models.Model, error){
		"lightgbm-4.7.0-binary.txt": func(b []byte) (*models.Model,
			error) {
			return interchange.ReadLightGBM(bytes.NewReader(b))
		},
		"xgboost-3.2.0-binary.json": func(b []byte) (*models.Model,
			error) {
			return interchange.ReadXGBoost(bytes.NewReader(b))
		},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		m, err := read(append([]byte("\xef\xbb\xbf"), b...))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		checkAnswers(t, m, readAnswers(t, filepath.Join("testdata", file)))
	}
}

// TestWrappers: a pickle of an estimator around the one that is read says which
// to pickle.
func TestWrappers(t *testing.T) {
	for class, want := range map[string]string{
		"sklearn.pipeline\nPipeline":                    "pipeline[-1]",
		"sklearn.model_selection._search\nGridSearchCV": "best_estimator_",
		"sklearn.calibration\nCalibratedClassifierCV":   "calibrated_classifiers_", "sklearn.svm\nSVC": "want " +
			"GradientBoostingClassifier",
		"xgboost.sklearn\nXGBClassifier": "get_booster()", "os\nGradientBoostingClassifier": "want " +
			"GradientBoostingClassifier",
	} {
		_, err := interchange.ReadSklearn(strings.NewReader("c" + class + "\n(tR."))
		if !errors.Is(err, interchange.ErrUnsupported) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", class, err, want)
		}
	}
}
