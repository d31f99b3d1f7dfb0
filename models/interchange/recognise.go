// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"bytes"
	"fmt"
)

// The formats that are read.
const (
	FormatLightGBM      = "lightgbm"
	FormatXGBoost       = "xgboost"
	FormatXGBoostBinary = "xgboost-binary"
	FormatSklearn       = "sklearn"
	FormatCatBoost      = "catboost"
)

// How to write a format that is read, by library.
const (
	saveXGBoost = `save it with booster.save_model("model.json"), ` +
		`of an XGBClassifier model.get_booster().save_model("model.json")`
	saveLightGBM = `save it with booster.save_model("model.txt"), ` +
		`of an LGBMClassifier model.booster_.save_model("model.txt")`
	saveSklearn  = `save the fitted classifier itself with pickle.dump(classifier, open("model.pkl", "wb"))`
	saveCatBoost = `save it with model.save_model("model.json", format="json")`
	saveItself   = `load the model that it was made of with the library that trained it, and write that one: LightGBM ` +
		`booster.save_model("model.txt"), XGBoost booster.save_model("model.json"), scikit-learn ` +
		`pickle.dump(classifier, open("model.pkl", "wb")), CatBoost model.save_model("model.json", format="json")`
	saveInR = `write the model in R: lightgbm lgb.save(model, "model.txt"), xgboost xgb.save(model, "model.json"), ` +
		`catboost catboost.save_model(model, "model.json", file_format = "json")`
)

// fileKind is a kind of file: how it begins, and what its beginning contains.
type fileKind struct {
	prefix      string
	contains    string
	description string // and what to do
}

// refusedKinds are kinds of files that hold a model, or look as if they did, and
// are not read.
var refusedKinds = []fileKind{
	{"\x1f\x8b", "", "a gzip archive: unpack it with gunzip, and give the file that it holds"},
	{"PK\x03\x04", "model.ini", "an H2O MOJO: H2O writes none of the formats that are read; train the model with " +
		"LightGBM, XGBoost, scikit-learn or CatBoost"},
	{"PK\x03\x04", "schema.json", "a skops file: load it with skops.io.load, and " + saveSklearn},
	{"PK\x03\x04", "", "a zip archive: unpack it, and give the model file that it holds"},
	{"\x28\xb5\x2f\xfd", "", "a zstd archive: unpack it with unzstd, and give the file that it holds"},
	{"BZh", "", "a bzip2 archive: unpack it with bunzip2, and give the file that it holds"},
	{"\xfd7zXZ\x00", "", "an xz archive: unpack it with unxz, and give the file that it holds"},
	{"\xff\xfe", "", "a text in UTF-16: save it as UTF-8, or write the model anew with its own library"},
	{"\xfe\xff", "", "a text in UTF-16: save it as UTF-8, or write the model anew with its own library"},
	{"CBM1", "", "a CatBoost model in its binary format: load it with CatBoost, and " + saveCatBoost},
	{"______LightGBM_Binary_File_Token______", "", "a LightGBM data set (Dataset.save_binary), which holds rows " +
		"and no model: train, and " + saveLightGBM},
	{"\x08", "onnx", "an ONNX model: " + saveItself},
	{"\x08", "CatBoost", "an ONNX model that CatBoost exported: " + saveCatBoost},
	{"", "<PMML", "a PMML model: " + saveItself},
	{"", "extends GenModel", "an H2O POJO: H2O writes none of the formats that are read; train the model with " +
		"LightGBM, XGBoost, scikit-learn or CatBoost"},
	{"booster[0]:", "", "XGBoost's text dump (dump_model), which leaves numbers out: " + saveXGBoost},
	{"0:[", "yes=", "XGBoost's text dump (get_dump), which leaves numbers out: " + saveXGBoost},
	{"[", `"nodeid"`, "XGBoost's JSON dump (dump_model), which leaves the objective and the base score out: " +
		saveXGBoost},
	{"{", `"num_tree_per_iteration"`, "LightGBM's JSON dump (dump_model): " + saveLightGBM},
	{"{", `"generic_param"`, "XGBoost's configuration (save_config), which holds no trees: " + saveXGBoost},
	{"", "struct CatboostModel", "a CatBoost model as C++: load the model with CatBoost, and " + saveCatBoost},
	{"", "class catboost_model", "a CatBoost model as Python: load the model with CatBoost, and " + saveCatBoost},
	{"RDX", "", "an R workspace: " + saveInR},
	{"X\n", "", "an R object: " + saveInR},
	{"\x89HDF", "", "an HDF5 file: neural networks are not read"},
	{"\x80", "joblib.numpy_pickle", "a file that joblib wrote: load it with joblib.load, and " + saveSklearn},
	{"\x80", "xgboost.", "a pickle of XGBoost's classes: load it with Python, and " + saveXGBoost},
	{"\x80", "lightgbm.", "a pickle of LightGBM's classes: load it with Python, and " + saveLightGBM},
	{"\x80", "catboost.", "a pickle of CatBoost's classes: load it with Python, and " + saveCatBoost},
}

// recogniseBytes is how much of a file Recognise reads.
const recogniseBytes = 1 << 16

// Recognise tells the format of a file from its beginning. It gives one of the
// formats that are read; "" for a file of an unknown kind; or, for a model file of
// a kind that is not read, an error that matches ErrUnsupported, names the kind
// and says what to write instead.
func Recognise(b []byte) (string, error) {
	b = bytes.TrimPrefix(b, byteOrderMark)
	start := b[:min(len(b), recogniseBytes)]
	text := bytes.TrimLeft(start, " \t\r\n")
	if of := readableFormat(start, text); of != "" {
		return of, nil
	}
	for _, k := range refusedKinds {
		begins := start
		if k.prefix == "[" || k.prefix == "{" {
			begins = text
		}
		if bytes.HasPrefix(begins, []byte(k.prefix)) && bytes.Contains(start, []byte(k.contains)) {
			if k.prefix == "\x08" && (len(start) < 3 || start[1] > 0x20) {
				continue // no version of ONNX
			}
			return "", fmt.Errorf("%w: this is %s", ErrUnsupported, k.description)
		}
	}
	return "", nil
}

func readableFormat(start, text []byte) string {
	has := func(s string) bool { return bytes.Contains(start, []byte(s)) }
	switch {
	case bytes.HasPrefix(text, []byte("tree\n")), bytes.HasPrefix(text, []byte("tree\r\n")):
		return FormatLightGBM
	case bytes.HasPrefix(text, []byte("{")) && (has(`"features_info"`) || has(`"oblivious_trees"`)):
		return FormatCatBoost
	case bytes.HasPrefix(text, []byte("{")) && bytes.Contains(text[:min(len(text), 64)], []byte("learner")) &&
		!has(`"generic_param"`):
		return FormatXGBoost
	case bytes.HasPrefix(start, []byte("binf")), len(start) > 160 && bytes.Contains(start[136:160], []byte(":log")):
		return FormatXGBoostBinary
	case bytes.HasPrefix(start, []byte("\x80")) && firstModule(start) == "sklearn." && !has("joblib.numpy_pickle"):
		return FormatSklearn
	}
	return ""
}

// firstModule is the library that a pickle names first: the object's own.
func firstModule(b []byte) string {
	first, at := "", len(b)
	for _, name := range []string{"sklearn.", "xgboost.", "lightgbm.", "catboost."} {
		if i := bytes.Index(b, []byte(name)); i >= 0 && i < at {
			first, at = name, i
		}
	}
	return first
}
