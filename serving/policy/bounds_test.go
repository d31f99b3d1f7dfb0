// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/testbound"
)

const head = "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.3}\n"

// when is a policy of one rule.
func when(expression string) string {
	return head + "rules:\n  - name: r\n    outcome: decline\n    on_missing: skip\n    when: '" + expression + "'\n"
}

// rules is a policy of n rules.
func rules(n int, expression string) string {
	y := head + "rules:\n"
	for i := range n {
		y += fmt.Sprintf("  - {name: r%d, when: '%s', outcome: review, on_missing: skip}\n", i, expression)
	}
	return y
}

// nested puts an expression into n levels of another, whose %s is the inner
// one and whose %d the level.
func nested(n int, level, inner string) string {
	for i := range n {
		inner = strings.NewReplacer("%s", inner, "%d", fmt.Sprint(i)).Replace(level)
	}
	return inner
}

var thirty = "[" + strings.Repeat("0,", 29) + "0]"

// hostile are expressions whose cost would have no bound without those of this
// package. An empty refusal: the policy loads, and the rule fails in a decision.
var hostile = []struct{ name, expression, refusal string }{
	{"nested loops", nested(12, thirty+".all(v%d, %s)", "true"), ""},
	{"nested exists", nested(12, thirty+".exists(v%d, %s)", "false"), ""},
	{"nested maps", nested(8, thirty+".map(v%d, %s)[0]", "1") + " == 2", ""},
	{"doubled text in lists", nested(40, "%s.map(x%d, x%d+x%d)", `["`+strings.Repeat("a", 64)+`"]`) + ".size() == 0",
		""},
	{"text in a loop",
		thirty + `.all(v, (event.country + event.country + event.country + event.country + event.country) != "x")`, ""},
	{"long text without a loop", "(" + strings.Repeat("event.country + ", 4) + `event.country) != "x"`, ""},
	{"sum of lists", nested(20, "%s.map(x%d, x%d)", "([1]+[1])") + ".size() == 0", "lists cannot be added"},
	{"empty sums", "([]+[]).size() == 1", "lists cannot be added"},
	{"sum that looks like a macro's", "[1].all(x, ([x]+[x]).size() == 2)", "lists cannot be added"},
	{"lists in lists", "[[1],[1]] == [[1],[2]]", "a list holds"},
	{"lists in lists by map", nested(30, "%s.map(x%d, [x%d, x%d])", "[1]") + ".size() == 0", "a list holds"},
	{"maps in lists", "[{1:1}] == [{1:2}]", "a list holds"},
	{"lists in maps", `{"a": [1]}["a"] == [2]`, "a map holds"},
	{"order of a map", `{"a": 1, "b": 2}.exists(k, k == "a")`, "go through a list"},
	{"dyn", "dyn([1]) == dyn([2])", "dyn is not available"},
	{"bytes", `bytes(event.country) == b"x"`, "bytes cannot be made"},
	{"messages", `google.protobuf.Int32Value{value: 1} == 1`, "message"},
	{"large pattern", `event.country.matches("(abcdefghijklmnopqrstuvwxyz{100}){10}")`, "the pattern takes"},
	{"repeated pattern", `event.country.matches("((a{10}){10}){10}")`, "the pattern takes"},
	{"pattern of the caller's", `event.country.matches(entity.buyer)`, "write the pattern out"},
	{"pattern in a loop", thirty + `.all(v, event.country.matches("(x|y|[a-q])*(a{30}b{30}){5}") || true)`, ""},
}

// TestHostileExpressions: an expression whose cost has no bound is refused when
// the policy is loaded, or fails in the decision, which then says so and has
// spent no more than the policy's bound.
func TestHostileExpressions(t *testing.T) {
	ev := event(6000, strings.Repeat("a", assay.MaxTextBytes))
	ev.Entities = []assay.Entity{{Role: "buyer", ID: "B"}}
	in := &Input{Event: ev, Vector: []float64{1, 1}, Score: assay.Score{PD: 0.01}}
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			p, err := Parse([]byte(when("event.amount > 5000.0 && "+h.expression)), schema)
			if h.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), h.refusal) {
					t.Fatalf("got %v, want an error that says %q", err, h.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var res Result
			stop := testbound.Watch(t, "the decision", testbound.Limits{Time: 20 * time.Second, Bytes: 256 << 20})
			n := allocated(func() { p.Decide(&res, in) })
			if stop(); n > p.Cost().Bytes {
				t.Errorf("%d bytes allocated, the policy's bound is %d", n, p.Cost().Bytes)
			}
			if res.Outcome != assay.Review || !slices.Equal(res.Rules, []string{"r.error"}) {
				t.Errorf("decided %s by %q, want review by r.error", res.Outcome, res.Rules)
			}
			// The guard keeps other events from it.
			small := *in
			small.Event = event(10, "DE")
			if p.Decide(&res, &small); res.Outcome != assay.Approve {
				t.Errorf("an ordinary event is decided %s by %q", res.Outcome, res.Rules)
			}
		})
	}
}

// allocated is how many bytes fn allocates, including those that it frees again.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestOnError: a division by zero is the outcome that the rule declares.
func TestOnError(t *testing.T) {
	t.Parallel()
	const zero = "1 / (points > 1.0 ? 0 : 1)"
	in := &Input{Event: event(1, ""), Vector: []float64{1, 1}, Score: assay.Score{Points: 2, PD: 0.01}}
	for _, c := range []struct {
		yaml  string
		want  assay.Outcome
		rules []string
	}{
		{"rules: [{name: div, when: '" + zero + " == 1', outcome: decline}]", assay.Review, []string{"div.error"}},
		{"rules: [{name: div, when: '" + zero + " == 1', outcome: review, on_error: decline}]", assay.Decline,
			[]string{"div.error"}},
		{"rules: [{name: div, when: '" + zero +
			" == 1', outcome: review}, {name: next, when: 'points > 1.0', outcome: decline}]",
			assay.Decline, []string{"div.error", "next"}},
		{"limits: [{name: lim, exposure: '" + zero + "', max: 5, outcome: decline, on_error: review}]", assay.Review,
			[]string{"lim.error"}},
		{"limits: [{name: lim, exposure: '" + zero + "', max: 5, outcome: decline, on_error: decline}]", assay.Decline,
			[]string{"lim.error"}},
		{"loss: {lgd: 0.5, exposure: '" + zero + "', review_from: 1}", assay.Review, []string{"loss.error"}},
		{"loss: {lgd: 0.5, exposure: '1.0', collateral: '" + zero + "', on_error: decline}", assay.Decline,
			[]string{"loss.error"}},
	} {
		p, err := Parse([]byte(head+c.yaml), schema)
		if err != nil {
			t.Fatal(err)
		}
		var res Result
		p.Decide(&res, in)
		if res.Outcome != c.want || !slices.Equal(res.Rules, c.rules) {
			t.Errorf("%s: %s by %q, want %s by %q", c.yaml, res.Outcome, res.Rules, c.want, c.rules)
		}
		if strings.HasPrefix(c.yaml, "loss") && !math.IsNaN(res.ExpectedLoss) {
			t.Errorf("%s: the expected loss is %v", c.yaml, res.ExpectedLoss)
		}
	}
	_, err := Parse([]byte(head+"rules: [{name: a, when: 'true', outcome: review, on_error: skip}]"), schema)
	if err == nil || !strings.Contains(err.Error(), "on_error") {
		t.Errorf("on_error: skip: %v", err)
	}
}

// TestCostOfPolicy: a policy states the bound of its cost, and a policy above
// MaxCost is refused.
func TestCostOfPolicy(t *testing.T) {
	t.Parallel()
	ordinary, err := Parse(
		[]byte(rules(MaxRules, `event.country in ["KP", "XX"] || event.amount > 1000 || feature.amount > 2000.0`)),
		schema)
	if err != nil {
		t.Fatal(err)
	}
	if c := ordinary.Cost(); c.Units == 0 || c.Units > MaxCost/10 || c.Bytes > 3<<20 {
		t.Errorf("%d ordinary rules cost %+v", MaxRules, c)
	}
	loop := nested(5, thirty+".all(v%d, %s)", "true")
	heavy, err := Parse([]byte(rules(MaxCost/MaxExpressionCost, loop)), schema)
	if err != nil || heavy.Cost().Units != MaxCost {
		t.Fatalf("%v, %+v", err, heavy.Cost())
	}
	long := rules(MaxExpressions/4000+1, "true"+strings.Repeat(" ", 4000))
	if _, err := Parse([]byte(long), schema); err == nil || !strings.Contains(err.Error(), "bytes in all") {
		t.Errorf("a policy of long expressions: %v", err)
	}
	if _, err := Parse([]byte(rules(MaxCost/MaxExpressionCost+1, loop)), schema); err == nil ||
		!strings.Contains(err.Error(), "units a decision") {
		t.Errorf("a policy above the bound: %v", err)
	}
}

// TestCostIsFrozen: a replay must stop an expression where the server stopped it,
// so another version of CEL must count the same. A change here needs a decision.
func TestCostIsFrozen(t *testing.T) {
	t.Parallel()
	c := testCompiler(t)
	in := &Input{Event: event(6000, "Deutschland"), Vector: []float64{1, 1},
		Score: assay.Score{PD: 0.25, Grade: "A", Points: 500}}
	act := &activation{sources: c.sources, in: in}
	for expression, want := range map[string]uint64{
		`event.amount > 5000.0 && pd < 0.5`:                     4,
		`event.country in ["A", "B", "C"]`:                      1,
		`event.country + "x" == "y"`:                            4,
		`event.country.matches("^D.*d$")`:                       5,
		`[1, 2, 3].all(x, x < 5)`:                               16,
		`[1, 2, 3].map(x, x * 2).size() == 3`:                   45,
		`event.due_date < timestamp("2020-01-01T00:00:00Z")`:    2,
		`event.country.startsWith("De") ? pd > 0.1 : pd > 0.2`:  5,
		`string(event.amount) == "6000" || kind == "something"`: 3,
	} {
		x, err := c.compile(expression, wantBool)
		if err != nil {
			t.Fatal(err)
		}
		_, details, err := x.program.Eval(act)
		if err != nil {
			t.Fatal(err)
		}
		if got := details.ActualCost(); got == nil || *got != want {
			t.Errorf("%s costs %v units, want %d", expression, *got, want)
		}
	}
}

// TestNames: any name can be read in brackets; where two names have the same form
// with dots, that form alone is refused.
func TestNames(t *testing.T) {
	t.Parallel()
	s := Schema{
		Fields: []Variable{{Name: "金额", Kind: assay.Number}, {Name: "收入", Kind: assay.Number, Optional: true},
			{Name: "rate %", Kind: assay.Number},
			{Name: "rate_%", Kind: assay.Number}, {Name: "a b", Kind: assay.Number}, {Name: "a_b", Kind: assay.Number},
			{Name: "in", Kind: assay.Number},
			{Name: `quo"te`, Kind: assay.Number}, {Name: "one alone", Kind: assay.Number}},
		Roles:    []string{"покупатель", "продавец__"},
		Features: []Variable{{Name: "Сумма"}, {Name: "Доход"}},
	}
	values := map[string]float64{"金额": 1, "rate %": 3, "rate_%": 4, "a b": 5, "a_b": 6, "in": 7,
		`quo"te`: 8, "one alone": 9}
	ev := &assay.Event{ID: "e", Kind: "k", Entities: []assay.Entity{{Role: "покупатель", ID: "B"}}}
	for name, x := range values {
		ev.Fields = append(ev.Fields, assay.Field{Name: name, Value: assay.NumberValue(x)})
	}
	slices.SortFunc(ev.Fields, func(x, y assay.Field) int { return strings.Compare(x.Name, y.Name) })
	in := &Input{Event: ev, Vector: []float64{10, 20}, Score: assay.Score{PD: 0.01}}
	for _, expression := range []string{
		`event["金额"] == 1.0`, `missing.event["收入"]`, `!missing.event["金额"]`,
		`event["rate %"] == 3.0 && event["rate_%"] == 4.0`,
		`event["a b"] == 5.0 && event.a_b == 6.0 && event["a_b"] == 6.0`, `event["in"] == 7.0`,
		`event["quo\"te"] == 8.0`,
		`event.one_alone == 9.0 && event["one alone"] == 9.0`, `entity["покупатель"] == "B"`,
		`feature["Сумма"] + feature["Доход"] == 30.0`,
		`missing.feature["Доход"] == false`,
	} {
		p, err := Parse([]byte(when(expression)), s)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		var res Result
		if p.Decide(&res, in); !slices.Equal(res.Rules, []string{"r"}) {
			t.Errorf("%s does not hold: %q", expression, res.Rules)
		}
	}
	for expression, says := range map[string]string{
		`event.rate__ > 1.0`:               `event["rate %"]`,
		`event["nosuch"] > 1.0`:            "no such name",
		`event["收入"] > 1.0 || event.x`:     "",
		`event["rate %"].foo > 1.0`:        "",
		`missing.event["nosuch"]`:          "no such name",
		`event[grade] > 1.0`:               "event[",
		`@event[金额] > 1.0`:                 "",
		`entity["продавец"] == "somebody"`: "no such name",
	} {
		_, err := Parse([]byte(when(expression)), s)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error that says %q", expression, err, says)
		}
	}
	silent := strings.Replace(when(`event["收入"] > 1.0`), "    on_missing: skip\n", "", 1)
	if _, err := Parse([]byte(silent), s); err == nil || !strings.Contains(err.Error(), `event["收入"] may be missing`) {
		t.Errorf("silent about a missing value: %v", err)
	}
}
