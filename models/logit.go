// SPDX-License-Identifier: Apache-2.0

package models

import (
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
)

// newtonLogit fits sigmoid(sum of beta_j x_j) to targets y in [0,1] by Newton's
// method with step halving, for the two or three columns of a calibration. A
// ridge of 1e-9 keeps constant or equal columns solvable. Larger regressions
// belong to models/baseline.
func newtonLogit(x [][]float64, y, w []float64) []float64 {
	k := len(x)
	beta := make([]float64, k)
	loss := logitLoss(x, y, w, beta)
	for range 100 {
		grad, hess := make([]float64, k), make([][]float64, k)
		for j := range hess {
			hess[j] = make([]float64, k+1)
			hess[j][j] = 1e-9
		}
		for i := range y {
			p := bitmath.Sigmoid(dot(x, beta, i))
			wi := weight(w, i)
			d := float64(wi * (p - y[i]))
			h := float64(wi * float64(p*(1-p)))
			for a := range k {
				grad[a] += float64(d * x[a][i])
				for b := range k {
					hess[a][b] += float64(float64(h*x[a][i]) * x[b][i])
				}
			}
		}
		for a := range k {
			hess[a][k] = grad[a]
		}
		step := solveLinear(hess)
		if step == nil {
			return beta
		}
		scale, next := 1.0, make([]float64, k)
		moved, improved := false, false
		for range 40 {
			for j := range next {
				next[j] = beta[j] - float64(scale*step[j])
			}
			if l := logitLoss(x, y, w, next); l < loss {
				moved, improved, loss = true, loss-l > 1e-14*math.Abs(loss), l
				break
			}
			scale /= 2
		}
		switch {
		case improved:
			beta = next
		case isSmallStep(step, beta): // near the end the loss is too coarse to show progress; the step is not
			for j := range beta {
				beta[j] -= step[j]
			}
			return beta
		case moved:
			return next
		default:
			return beta
		}
	}
	return beta
}

// isSmallStep reports whether a Newton step is so short that it ends the search.
func isSmallStep(step, beta []float64) bool {
	for j := range beta {
		if !(math.Abs(step[j]) <= 1e-6*max(1, math.Abs(beta[j]))) {
			return false
		}
	}
	return true
}

func logitLoss(x [][]float64, y, w, beta []float64) float64 {
	var s float64
	for i := range y {
		m := dot(x, beta, i)
		s += float64(weight(w, i) * (bitmath.Softplus(m) - float64(y[i]*m)))
	}
	return s
}

func dot(x [][]float64, beta []float64, i int) float64 {
	var s float64
	for j := range beta {
		s += float64(beta[j] * x[j][i])
	}
	return s
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// solveLinear solves the augmented system a (k rows, k+1 columns) by elimination with row pivoting, or nil if it is
// singular. a is destroyed.
func solveLinear(a [][]float64) []float64 {
	k := len(a)
	for c := range k {
		p := c
		for r := c + 1; r < k; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[p][c]) {
				p = r
			}
		}
		if !(math.Abs(a[p][c]) > 0) || !isFinite(a[p][c]) {
			return nil
		}
		a[c], a[p] = a[p], a[c]
		for r := range k {
			if r == c {
				continue
			}
			f := a[r][c] / a[c][c]
			for j := c; j <= k; j++ {
				a[r][j] -= float64(f * a[c][j])
			}
		}
	}
	x := make([]float64, k)
	for i := range x {
		x[i] = a[i][k] / a[i][i]
	}
	return x
}
