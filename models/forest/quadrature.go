// SPDX-License-Identifier: Apache-2.0

package forest

// quadrature is the Gauss-Legendre rule of n nodes on [0, 1]: it integrates
// polynomials of degree 2n-1 exactly. Nodes and weights come from additions,
// multiplications and divisions alone, none of which can fuse, so that they
// have the same bits on every architecture.
type quadrature struct {
	nodes, weights []float64
	rests          []float64 // 1 - node
}

func newQuadrature(n int) quadrature {
	// The roots of a Legendre polynomial lie between those of the one before.
	roots := []float64{0}
	for k := 2; k <= n; k++ {
		next := make([]float64, k)
		for i := range next {
			lo, hi := -1.0, 1.0
			if i > 0 {
				lo = roots[i-1]
			}
			if i < k-1 {
				hi = roots[i]
			}
			next[i] = bisect(k, lo, hi)
		}
		roots = next
	}
	q := quadrature{nodes: make([]float64, n), weights: make([]float64, n), rests: make([]float64, n)}
	for i, x := range roots {
		_, d := legendre(n, x)
		q.nodes[i] = (1 + x) / 2
		q.rests[i] = 1 - q.nodes[i]
		q.weights[i] = 1 / (float64(1-float64(x*x)) * float64(d*d))
	}
	return q
}

// bisect finds the root of the Legendre polynomial of degree n in (lo, hi).
func bisect(n int, lo, hi float64) float64 {
	atHi, _ := legendre(n, hi)
	for range 64 {
		mid := (lo + hi) / 2
		if p, _ := legendre(n, mid); (p > 0) == (atHi > 0) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return (lo + hi) / 2
}

// legendre evaluates the Legendre polynomial of degree n, and its derivative,
// which is not defined at -1 and 1.
func legendre(n int, x float64) (p, d float64) {
	before, p := 1.0, x
	for k := 2; k <= n; k++ {
		next := (float64(float64(2*k-1)*float64(x*p)) - float64(float64(k-1)*before)) / float64(k)
		before, p = p, next
	}
	return p, float64(n) * (float64(x*p) - before) / (float64(x*x) - 1)
}
