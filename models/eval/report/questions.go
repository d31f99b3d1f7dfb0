// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// The questions of the summary, as the report prints them.
const (
	sizeQuestion       = "Is the sample large enough?"
	leakQuestion       = "Does a variable give the outcome away?"
	directionQuestion  = "Does each variable raise or lower risk as the plan declares?"
	trainingQuestion   = "Does the model do as well on new rows as in training?"
	separationQuestion = "Does the model separate good applicants from bad ones?"
	simplerQuestion    = "Does the model beat a simple one?"
	levelQuestion      = "Do the predicted probabilities match the observed bad rates?"
	shiftQuestion      = "Are the applicants still like those in training?"
	forwardQuestion    = "Would a model trained earlier have worked later?"
	groupsQuestion     = "Are all groups approved at similar rates?"
	missingQuestion    = "Does the model still work when a field is missing?"
	silenceQuestion    = "Do applicants gain nothing by leaving fields empty?"
	parityQuestion     = "Does the server give the scores that were evaluated?"
)

// trainingVerdict compares the AUC of the evaluated rows with the out-of-fold AUC of
// the training rows: each is scored by a model of the same recipe that did not
// train on it.
func (b *builder) trainingVerdict(s *document.Section) {
	look, fail := b.thresholds.GapLook, b.thresholds.GapFail
	threshold := "AUC of the training rows out of fold minus that of the evaluated rows: " +
		intervalRule(numfmt.Fixed3.Print(look), numfmt.Fixed3.Print(fail))
	g := b.classes(leastOfClass)
	switch {
	case b.in.Seen > 0:
		g.Certain = true
		b.verdict(trainingQuestion, document.Fail, s.ID, b.seen(), "fail when an evaluated row trained the model", g)
		return
	case b.train == nil:
		b.verdict(trainingQuestion, document.CannotTell, s.ID, "the rows that trained the model were not given",
			threshold,
			notGiven())
		return
	}
	s.AddText("On its own training rows the model reaches an AUC of %s, %s more than on the evaluated rows. A large "+
		"gap means that the model memorized the sample; some gap is normal, and no question fails because of it.",
		numfmt.Fixed3.Print(b.train.AUC()), numfmt.Signed3.Print(b.train.AUC()-b.curve.AUC()))
	if b.outOfFold == nil {
		b.verdict(trainingQuestion, document.CannotTell, s.ID,
			"out-of-fold scores of the training rows were not given: the recipe is not known, or could not be "+
				"trained again on folds", threshold, notGiven())
		return
	}
	d := eval.GapOfAreas(b.outOfFold, b.curve)
	b.add("auc_out_of_fold", b.outOfFold.Area())
	b.add("auc_out_of_fold_minus_evaluation", d)
	s.AddText("The same recipe, trained again with one fold of the training rows left out at a time, reaches an AUC "+
		"of %s on the folds left out: %s more than the model on the evaluated rows.",
		interval(b.outOfFold.Area(), numfmt.Fixed3), interval(d, numfmt.Signed3))
	if t := groundsOf(b.outOfFold, "training rows"); min(t.Bad, t.Rows-t.Bad) < leastOfClass {
		g = t
		g.LeastOfClass = leastOfClass
	}
	b.verdict(trainingQuestion, judgeInterval(d, look, fail), s.ID,
		"AUC out of fold minus evaluation: "+interval(d, numfmt.Signed3), threshold, g)
}

// separationVerdict judges the AUC by its interval.
func (b *builder) separationVerdict(s *document.Section) {
	auc, _ := b.report.Metric("auc")
	look, fail := b.thresholds.AUCPass, b.thresholds.AUCFail
	light := judge(float64(auc.Low), look, fail, true)
	if light == document.Fail && float64(auc.High) >= look {
		light = document.CannotTell
	}
	b.verdict(separationQuestion, light, s.ID, "AUC "+interval(auc, numfmt.Fixed3),
		fmt.Sprintf("lower end of the interval: pass from %s, fail below %s; cannot tell when it begins below %s and "+
			"ends above %s", numfmt.Fixed3.Print(look), numfmt.Fixed3.Print(fail), numfmt.Fixed3.Print(fail),
			numfmt.Fixed3.Print(look)),
		b.classes(leastOfClass))
}

// calibrationVerdict judges slope and level. If one is undefined, such as the
// slope of a constant PD, a good value of the other does not give a pass.
func (b *builder) calibrationVerdict(s *document.Section, l eval.CoxLine) {
	look, fail := b.thresholds.SlopeLook, b.thresholds.SlopeFail
	slope, level := b.calibrated(l.Slope-1, l.SESlope), b.calibrated(l.Large, l.SELarge)
	light := slope
	if level.WorseThan(light) {
		light = level
	}
	part := func(x, se float64, f numfmt.Format) string {
		if math.IsNaN(x) {
			return "not defined"
		}
		return fmt.Sprintf("%s (95 %% interval %s to %s)", f.Print(x), f.Print(x-float64(eval.NormalQuantile*se)),
			f.Print(x+float64(eval.NormalQuantile*se)))
	}
	finding := fmt.Sprintf("slope %s; level %s; predicted %s, observed %s", part(l.Slope, l.SESlope, numfmt.Fixed3),
		part(l.Large, l.SELarge, numfmt.Signed3), numfmt.Percent.Print(float64(b.value("mean_pd"))),
		numfmt.Percent.Print(b.curve.BadRate()))
	if math.IsNaN(l.Slope) && constant(b.in.PD) {
		finding = "every row has the same PD; " + finding
	}
	b.verdict(levelQuestion, light, s.ID, finding,
		"distance of the slope from 1, and of the level (calibration in the large, log-odds) from 0, the worse of "+
			"the two: "+intervalRule(numfmt.Fixed3.Print(look), numfmt.Fixed3.Print(fail)), b.classes(leastOfClass))
}

// calibrated judges the distance d from the perfect value, with its interval.
func (b *builder) calibrated(d, se float64) document.Light {
	d = math.Abs(d)
	return judgeInterval(eval.Estimate{Value: numfmt.Number(d), Low: numfmt.Number(d - float64(eval.NormalQuantile*se)),
		High: numfmt.Number(d + float64(eval.NormalQuantile*se))}, b.thresholds.SlopeLook, b.thresholds.SlopeFail)
}

func constant(x []float64) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}
