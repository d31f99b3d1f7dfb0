// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Questions of the summary, in the words of their verdicts.
const (
	sizeQuestion       = "Is the sample large enough?"
	leakQuestion       = "Does a variable give the outcome away?"
	directionQuestion  = "Do the data agree with the declared directions?"
	trainingQuestion   = "Does it do as well on new rows as in training?"
	separationQuestion = "Does it tell good from bad?"
	simplerQuestion    = "Does it beat a simple model?"
	levelQuestion      = "Are the predicted probabilities right?"
	shiftQuestion      = "Are the applicants the same as in training?"
	forwardQuestion    = "Would a model trained earlier have worked later?"
	groupsQuestion     = "Are all groups approved at similar rates?"
	missingQuestion    = "Does it still work when a field is missing?"
	silenceQuestion    = "Does leaving fields empty bring no advantage?"
	parityQuestion     = "Does the server give the same scores?"
)

// holdsVerdict compares the evaluated rows with training rows that did not
// train the model that scored them: the same recipe out of fold.
func (b *builder) holdsVerdict(s *document.Section) {
	look, fail := b.th.GapLook, b.th.GapFail
	threshold := "AUC of the training rows out of fold minus that of the evaluated rows: " +
		judgeWords(numfmt.Fixed3.Print(look), numfmt.Fixed3.Print(fail))
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
	s.AddText("On the rows that it was trained on the model reaches an AUC of %s, %s more than on the evaluated "+
		"rows. A "+
		"large gap says that it learned the sample by heart; some gap is usual, and fails nothing.",
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
	s.AddText("Trained again on folds of the training rows, each judged on the fold left out, the same recipe reaches "+
		"an AUC of %s there: %s more than the model on the evaluated rows.",
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
	look, fail := b.th.AUCPass, b.th.AUCFail
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

// calibrationVerdict judges slope and level; one that cannot be told, as the
// slope of a constant PD, is not made up for by the other.
func (b *builder) calibrationVerdict(s *document.Section, l eval.CoxLine) {
	look, fail := b.th.SlopeLook, b.th.SlopeFail
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
			"the two: "+judgeWords(numfmt.Fixed3.Print(look), numfmt.Fixed3.Print(fail)), b.classes(leastOfClass))
}

// calibrated judges a distance from perfection by itself and by its interval.
func (b *builder) calibrated(d, se float64) document.Light {
	d = math.Abs(d)
	return judgeInterval(eval.Estimate{Value: numfmt.Number(d), Low: numfmt.Number(d - float64(eval.NormalQuantile*se)),
		High: numfmt.Number(d + float64(eval.NormalQuantile*se))}, b.th.SlopeLook, b.th.SlopeFail)
}

func constant(x []float64) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}
