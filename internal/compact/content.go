// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"cmp"
	"slices"
)

const (
	maxContentBytes = places - maxRecordBytes - padding
	minContentBytes = 8 // fewer are not allowed
	wordBytes       = 6 // what is counted: every run of so many bytes
	minPieceBytes   = 8
)

// piece is a run of bytes of one sample that repeats in others.
type piece struct {
	bytes []byte
	words []int // one for every run of wordBytes
	worth int   // by the samples that the words are in, less what they cost
}

// commonContent picks from samples what many of them have in common, the most
// common last, where offsets to it are shortest. It picks the piece of highest
// worth, counts its words as known, and picks again until maxContentBytes are full.
func commonContent(samples [][]byte) []byte {
	words, counts := countWords(samples)
	price := max(1, len(samples)/200)
	best := make([]piece, len(samples))
	for i := range samples {
		best[i] = bestPiece(samples[i], words[i], counts, price)
	}
	var pieces []piece
	for left := maxContentBytes; left >= minPieceBytes && len(best) > 0; {
		i := mostWorth(best)
		p := best[i]
		best[i] = bestPiece(samples[i], words[i], counts, price)
		if p.worth <= 0 {
			break
		}
		if best[i].worth < p.worth { // words have become known since p was found
			continue
		}
		for _, w := range p.words {
			counts[w] = 0
		}
		best[i] = bestPiece(samples[i], words[i], counts, price)
		if len(p.bytes) < minPieceBytes {
			continue
		}
		p.bytes = p.bytes[:min(len(p.bytes), left)]
		left -= len(p.bytes)
		pieces = append(pieces, p)
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.worth, b.worth) })
	var content []byte
	for _, p := range pieces {
		content = append(content, p.bytes...)
	}
	return content
}

// mostWorth is the index of the first of the pieces of highest worth.
func mostWorth(pieces []piece) (best int) {
	for i := range pieces {
		if pieces[i].worth > pieces[best].worth {
			best = i
		}
	}
	return best
}

// countWords gives every word a number, and counts for each number how many
// samples it is in: 0 for a word of one sample, which cannot help another.
func countWords(samples [][]byte) (words [][]int, counts []int) {
	number, last := map[string]int{}, []int{}
	words = make([][]int, len(samples))
	for i, s := range samples {
		for at := 0; at+wordBytes <= len(s); at++ {
			n, known := number[string(s[at:at+wordBytes])]
			if !known {
				n = len(counts)
				number[string(s[at:at+wordBytes])] = n
				counts, last = append(counts, 0), append(last, -1)
			}
			words[i] = append(words[i], n)
			if last[n] != i {
				counts[n]++
				last[n] = i
			}
		}
	}
	for n, c := range counts {
		if c == 1 {
			counts[n] = 0
		}
	}
	return words, counts
}

// bestPiece is the run of words with the greatest sum of counts, each less price
// (Kadane's algorithm); the first of equals. Its worth falls as counts do.
func bestPiece(sample []byte, words, counts []int, price int) (best piece) {
	sum, from := 0, 0
	for i, w := range words {
		if sum <= 0 {
			sum, from = 0, i
		}
		if sum += counts[w] - price; sum > best.worth {
			best = piece{bytes: sample[from : i+wordBytes], words: words[from : i+1], worth: sum}
		}
	}
	return best
}
