// SPDX-License-Identifier: Apache-2.0

package eval

// shuffle is what the ranking loses when one variable's values change places
// among the rows (permutation importance, Breiman 2001), over several shuffles.
type shuffle struct {
	lost   float64 // AUC, the mean of the shuffles
	spread float64 // their standard deviation
}

// firstShuffle numbers the streams of random numbers of shuffles, beyond those
// of other tables.
const firstShuffle = 1 << 20

// shuffles measures every variable on a sample of rows. The same variable of
// the same rows is shuffled alike whatever other variables there are.
func (st *stressed) shuffles() []shuffle {
	out := make([]shuffle, len(st.features))
	place := make([]int, len(st.x))
	for j := range st.features {
		var drop [draws]float64
		for d := range draws {
			r := stream(st.seed, firstShuffle+j*draws+d)
			for i := range place { // Fisher and Yates, inside out
				k := r.below(i + 1)
				place[i], place[k] = place[k], i
			}
			changed := st.under(st.score, func(x []float64, row int) { x[j] = st.x[place[row]][j] })
			drop[d] = float64(changed.drop.Value)
		}
		out[j] = shuffle{mean(drop[:]), deviation(drop[:])}
	}
	return out
}
