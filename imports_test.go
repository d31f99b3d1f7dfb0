// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/assayrisk/assay"

// plan says which of our packages each package may import. "*" means all
// packages below the name before it. Every package must have a line; those of
// anywhere may be imported by all.
const plan = `
.                       :
internal/bitmath        :
internal/bounded        :
internal/nearest        :
internal/memlog         : .
internal/arrowsafe      :
internal/compact        : .
internal/yamltext       :
internal/version        :
internal/testbound      :
internal/numfmt         :
internal/chart          : internal/numfmt
datasets                : . internal/arrowsafe
datasets/scf            : .
features/window         : .
features/snapshot       : . features/window
features/eventtime      : .
features/plantext       : . features/eventtime internal/yamltext
features/kernels        : . features/eventtime features/plantext features/window
features/fieldvalue     : . features/eventtime features/kernels features/plantext
features/plancheck      : . features/eventtime features/fieldvalue features/kernels features/plantext features/window
features/infer          : . features/fieldvalue features/plancheck features/plantext
features/isolation      :
features                : . features/eventtime features/fieldvalue features/isolation features/kernels
                          features/plancheck features/plantext features/snapshot features/window
features/screening      : . features features/isolation
features/featurestest   : . features features/plantext
models                  : .
models/gbdt/workers     :
models/gbdt             : . models models/gbdt/workers
models/forest           : . models
models/forest/foresttest : models
models/interchange/pickle :
models/interchange      : models models/interchange/pickle
models/baseline         :
models/eval             : internal/numfmt
models/eval/report/document : internal/chart internal/numfmt models/eval
models/eval/report      : . internal/chart internal/numfmt models models/eval models/eval/report/document
ledger                  : .
ledger/vault            : .
ledger/vault/vaulttest  :
ledger/journal/atomicfile :
ledger/journal/overlay  :
ledger/journal/recordclock :
ledger/journal/recordfile : . ledger/vault ledger/journal/atomicfile
ledger/journal/statefile : . ledger/vault ledger/journal/atomicfile
ledger/journal/listing  : . ledger/vault
ledger/journal/store    : . ledger/vault ledger/journal/atomicfile ledger/journal/listing ledger/journal/recordfile
ledger/journal/archive  : . ledger/journal/atomicfile ledger/journal/recordfile
ledger/journal/tilelog  : . ledger ledger/journal/atomicfile
ledger/journal/guard    : . ledger ledger/vault ledger/journal/store
ledger/journal          : . internal/compact ledger ledger/vault ledger/journal/atomicfile ledger/journal/guard
                          ledger/journal/listing ledger/journal/overlay ledger/journal/recordclock
                          ledger/journal/recordfile ledger/journal/statefile
                          ledger/journal/store ledger/journal/tilelog
ledger/anchor           : . ledger
ledger/anchor/evm       : . ledger/anchor
ledger/anchor/evm/evmtest :
ledger/anchor/devchain  : . ledger/anchor ledger/anchor/evm
ledger/timestamp        : . ledger
ledger/timestamp/timestamptest :
ledger/timestamp/tsp    : . ledger/timestamp
ledger/verdict          : . ledger ledger/anchor ledger/timestamp
ledger/verdict/verdicttest : . ledger ledger/anchor ledger/timestamp ledger/verdict
serving/auth            :
serving/auth/authtest   :
serving/policy          : . internal/yamltext
serving/assayv1         :
serving/inferencev2     :
serving/wire            : . serving/assayv1 serving/inferencev2
serving/assayclient     : . ledger serving/assayv1 serving/wire
serving/scoring         : . features models models/forest serving/policy
serving/scoring/scoringtest : . features models
serving/eventparts      : . features/window
serving/engine          : . internal/nearest features features/snapshot features/window models ledger ledger/journal
                          ledger/journal/statefile ledger/vault serving/eventparts serving/policy serving/scoring
serving/audit           : . features models ledger ledger/journal ledger/vault serving/engine serving/policy
                          serving/scoring
serving                 : . internal/arrowsafe features models ledger ledger/journal ledger/vault serving/assayv1
                          serving/auth serving/engine serving/inferencev2 serving/policy serving/wire
training                : . internal/numfmt datasets features features/eventtime features/fieldvalue features/infer
                          features/plantext models models/baseline models/eval models/eval/report
                          models/eval/report/document models/forest models/gbdt
                          models/interchange serving/policy serving/scoring
training/trainingtest   :
training/foreign        : . features features/plantext models models/forest models/interchange serving/scoring training
training/selection      : . features features/plantext features/screening models/gbdt training
training/export         : datasets features features/plantext models/eval/report training
cmd/internal/forgery    : . ledger/anchor ledger/verdict
cmd/internal/scripttest :
cmd/internal/node       : . models internal/yamltext ledger/anchor ledger/journal ledger/journal/archive
                          ledger/journal/recordclock ledger/journal/recordfile ledger/timestamp/tsp ledger/vault
                          ledger/verdict serving
cmd/assay               : . datasets datasets/scf features features/plantext features/screening models models/*
                          ledger ledger/* serving/* training
                          training/* cmd/internal/* internal/numfmt internal/version internal/yamltext
cmd/assayd              : . models models/forest models/interchange ledger/anchor ledger/anchor/evm ledger/timestamp
                          serving cmd/internal/node internal/yamltext internal/version
cmd/assay-verify        : ledger ledger/anchor ledger/timestamp ledger/verdict internal/version
benchmarks              : . internal/chart internal/memlog internal/numfmt datasets datasets/* features features/*
                          models models/* ledger ledger/* serving serving/* benchmarks/*
`

// anywhere are packages that every other may import: mathematics, bounded
// reading, and the known word nearest to one that is not.
var anywhere = []string{"internal/bitmath", "internal/bounded", "internal/nearest"}

// doors says which of our packages may import each heavy dependency.
const doors = `
github.com/fxamacker/cbor              : .
github.com/hashicorp/go-retryablehttp  : datasets ledger/anchor/evm ledger/timestamp/tsp
github.com/apache/arrow                : internal/arrowsafe datasets features features/fieldvalue features/infer
                                         serving serving/scoring/scoringtest
                                         training training/* benchmarks
github.com/xuri/excelize               : datasets models/eval/report/document
github.com/klauspost/compress          : datasets internal/compact
github.com/dmitryikh/leaves            : models/interchange
github.com/sjwhitworth/golearn         : models/baseline
gonum.org/v1/gonum/optimize            : models/baseline
gonum.org/v1/gonum/stat                : models/eval
google.golang.org/grpc                 : serving serving/assayv1 serving/inferencev2 serving/assayclient serving/wire
github.com/google/cel-go               : serving/policy
github.com/goccy/go-yaml               : internal/yamltext features/plantext
github.com/coreos/go-oidc              : serving/auth
github.com/cockroachdb/pebble          : ledger/journal ledger/journal/*
github.com/transparency-dev/tessera    : ledger/journal ledger/journal/tilelog
github.com/transparency-dev/merkle     : ledger ledger/journal ledger/journal/guard ledger/journal/tilelog
                                         ledger/anchor internal/memlog
github.com/tink-crypto/tink-go         : ledger/vault
github.com/minio/minio-go              : ledger/journal/archive
github.com/ethereum/go-ethereum/node   : ledger/anchor/devchain
github.com/ethereum/go-ethereum/eth    : ledger/anchor/devchain
github.com/ethereum/go-ethereum        : ledger/anchor ledger/anchor/evm ledger/anchor/evm/evmtest
                                         ledger/anchor/devchain ledger/verdict/verdicttest
`

// never says what a command must not link, at any distance.
const never = `
cmd/assayd       : models/gbdt ledger/anchor/devchain github.com/ethereum/go-ethereum/eth
                   github.com/sjwhitworth/golearn
ledger/verdict   : ledger/journal ledger/vault github.com/cockroachdb/pebble github.com/transparency-dev/tessera
                   google.golang.org/grpc net net/http github.com/ethereum/go-ethereum/rpc
cmd/assay-verify : ledger/journal ledger/vault github.com/cockroachdb/pebble github.com/transparency-dev/tessera
                   google.golang.org/grpc net/http github.com/ethereum/go-ethereum/rpc
`

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func goList(t *testing.T) []listed {
	t.Helper()
	all, err := listOnce()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return all
}

var listOnce = sync.OnceValues(func() ([]listed, error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		return nil, err
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

// table reads lines of the form "name : words". A line without a colon goes on with the one before it.
func table(text string) map[string][]string {
	m := map[string][]string{}
	last := ""
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		words := s.Text()
		if name, rest, ok := strings.Cut(words, ":"); ok {
			last, words = strings.TrimSpace(name), rest
			m[last] = nil
		}
		m[last] = append(m[last], strings.Fields(words)...)
	}
	delete(m, "")
	return m
}

// inside reports whether path is one of names or, for a name that ends in /*
// and for names of foreign modules, below it.
func inside(path string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if base, ok := strings.CutSuffix(n, "/*"); ok {
			return strings.HasPrefix(path, base+"/")
		}
		return path == n
	})
}

func below(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// ours returns a package's path within the module, "" if it is not ours.
func ours(path string) string {
	if path == module {
		return "."
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return rest
}

// home returns the line of the plan that a package is under: its own, or for
// packages inside cmd/assay and benchmarks, theirs.
func home(name string) string {
	for _, parent := range []string{"benchmarks", "cmd/assay"} {
		if strings.HasPrefix(name, parent+"/") {
			return parent
		}
	}
	return name
}

func TestImportPlan(t *testing.T) {
	t.Parallel()
	allowed, door, banned := table(plan), table(doors), table(never)
	for _, p := range goList(t) {
		name := home(ours(p.ImportPath))
		may, known := allowed[name]
		if !known {
			t.Errorf("%s has no line in the plan", ours(p.ImportPath))
			continue
		}
		for _, imp := range p.Imports {
			if o := ours(imp); o != "" && !slices.Contains(anywhere, o) && !inside(o, may) {
				t.Errorf("%s imports %s, which the plan does not allow", name, o)
			}
			if name == "benchmarks" {
				continue
			}
			if best := bestDoor(door, imp); best != "" && !inside(name, door[best]) {
				t.Errorf("%s imports %s, whose only doors are %v", name, imp, door[best])
			}
		}
		for _, ban := range banned[ours(p.ImportPath)] {
			for _, dep := range p.Deps {
				if below(dep, ban) || below(ours(dep), ban) {
					t.Errorf("%s links %s", name, dep)
				}
			}
		}
	}
}

// TestImportPlanIsUsed finds permissions, doors and bans that no package needs: whoever reads them should see the
// imports that exist.
func TestImportPlanIsUsed(t *testing.T) {
	t.Parallel()
	packages := goList(t)
	imports, linked := map[string][]string{}, map[string]bool{}
	for _, p := range packages {
		name := home(ours(p.ImportPath))
		imports[name] = append(imports[name], p.Imports...)
		for _, dep := range p.Deps {
			linked[dep] = true
		}
	}
	for _, what := range unused(table(plan), table(doors), imports) {
		t.Error(what)
	}
	for name, bans := range table(never) {
		if _, ok := imports[name]; !ok {
			t.Errorf("%s may not link some packages, and is none", name)
		}
		for _, ban := range bans {
			_, known := imports[ban] // a package of ours; else of the standard library or of others
			for dep := range linked {
				known = known || below(dep, ban)
			}
			if !known {
				t.Errorf("%s may not link %s, which nothing links: was it renamed?", name, ban)
			}
		}
	}
}

// unused lists what plan and doors allow although no package imports it.
func unused(plan, doors, imports map[string][]string) (out []string) {
	for name, may := range plan {
		if _, ok := imports[name]; !ok {
			out = append(out, name+" has a line in the plan, and is no package")
			continue
		}
		for _, m := range may {
			if !slices.ContainsFunc(imports[name], func(imp string) bool { return inside(ours(imp), []string{m}) }) {
				out = append(out, name+" may import "+m+", and does not")
			}
		}
	}
	for prefix, names := range doors {
		for _, n := range names {
			uses := false
			for name, list := range imports {
				uses = uses || inside(name, []string{n}) &&
					slices.ContainsFunc(list, func(imp string) bool { return bestDoor(doors, imp) == prefix })
			}
			if !uses {
				out = append(out, n+" is a door of "+prefix+", and does not import it")
			}
		}
	}
	slices.Sort(out)
	return out
}

// bestDoor returns the longest dependency with doors that an import is of, "" if none.
func bestDoor(doors map[string][]string, imp string) (best string) {
	for prefix := range doors {
		if below(imp, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	return best
}

// TestPlanCanFail tests the functions that the tests of the plan are made of.
func TestPlanCanFail(t *testing.T) {
	t.Parallel()
	if inside("models/gbdt", []string{"models"}) || !inside("models/gbdt", []string{"models/*"}) ||
		inside("modelsx", []string{"models/*"}) {
		t.Error("inside is wrong")
	}
	if !below("a/b", "a") || below("ab", "a") || ours(module+"/x") != "x" || ours("fmt") != "" || ours(module) != "." {
		t.Error("below or ours is wrong")
	}
	if m := table("\na : b\n    c\nd :\n"); len(m) != 2 || !slices.Equal(m["a"], []string{"b", "c"}) || m["d"] != nil {
		t.Errorf("table reads %v", m)
	}
	got := unused(map[string][]string{"a": {"b", "c/*"}, "gone": nil},
		map[string][]string{"x.org/y": {"a", "b"}, "x.org/y/z": {"a"}},
		map[string][]string{"a": {module + "/b", module + "/c", "x.org/y/z/w"}, "b": {"x.org/y/v"}})
	want := []string{"a is a door of x.org/y, and does not import it", "a may import c/*, and does not",
		"gone has a line in the plan, and is no package"}
	if !slices.Equal(got, want) {
		t.Errorf("unused says %q", got)
	}
	if home("cmd/assayd") != "cmd/assayd" || home("cmd/assay/report") != "cmd/assay" {
		t.Error("home is wrong")
	}
}
