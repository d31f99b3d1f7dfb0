// SPDX-License-Identifier: Apache-2.0

package models

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Scale turns a probability of default into scorecard points and a grade.
// Points rise by PDO each time the odds of the good event double, and are Base
// at odds of BaseOdds to 1 (Siddiqi, Credit Risk Scorecards, 2006, chapter 6).
type Scale struct {
	Base     float64 `json:"base"`      // points at BaseOdds
	BaseOdds float64 `json:"base_odds"` // good : bad
	PDO      float64 `json:"pdo"`       // points to double the odds
	Grades   []Grade `json:"grades,omitempty"`
}

// Grade is a band of probabilities: it holds every PD up to MaxPD that no
// earlier grade holds.
type Grade struct {
	Name  string  `json:"name"`
	MaxPD float64 `json:"max_pd"` // inclusive
}

// DefaultScale is 600 points at odds of 50 to 1, 20 points to double the odds,
// and seven grades whose bounds roughly double.
func DefaultScale() Scale {
	return Scale{Base: 600, BaseOdds: 50, PDO: 20, Grades: []Grade{
		{"A", 0.02}, {"B", 0.05}, {"C", 0.10}, {"D", 0.20}, {"E", 0.35}, {"F", 0.55}, {"G", 1},
	}}
}

// Validate checks what Points and Grade rely on.
func (s *Scale) Validate() error {
	if !isFinite(s.Base) || !(s.BaseOdds > 0) || !isFinite(s.BaseOdds) || !(s.PDO > 0) || !isFinite(s.PDO) {
		return fmt.Errorf("scale: base %v, base_odds %v, pdo %v: want finite numbers, base_odds and pdo above 0",
			s.Base, s.BaseOdds, s.PDO)
	}
	for i, g := range s.Grades {
		if g.Name == "" || !(g.MaxPD > 0 && g.MaxPD <= 1) || i > 0 && g.MaxPD <= s.Grades[i-1].MaxPD {
			return fmt.Errorf("scale: grade %d (%q up to %v): want a name and bounds that rise up to 1", i, g.Name,
				g.MaxPD)
		}
	}
	if n := len(s.Grades); n > 0 && s.Grades[n-1].MaxPD != 1 {
		return fmt.Errorf("scale: the last grade ends at %v, want 1, so that every PD has a grade", s.Grades[n-1].MaxPD)
	}
	return nil
}

// Points returns the points of a probability, rounded to a tenth. PDs are
// held inside [1e-9, 1-1e-9], so that points are finite.
func (s *Scale) Points(pd float64) float64 {
	if s.PDO == 0 {
		return 0
	}
	p := min(max(pd, 1e-9), 1-1e-9)
	logOdds := -bitmath.Logit(p)
	x := s.Base + float64(s.PDO/math.Ln2*(logOdds-bitmath.Log(s.BaseOdds)))
	return math.RoundToEven(x*10) / 10
}

// Grade returns the name of the band that holds pd, "" if there are no grades
// or pd is NaN.
func (s *Scale) Grade(pd float64) string {
	for _, g := range s.Grades {
		if pd <= g.MaxPD {
			return g.Name
		}
	}
	return ""
}
