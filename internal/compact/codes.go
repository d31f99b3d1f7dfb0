// SPDX-License-Identifier: Apache-2.0

package compact

import "math/bits"

// codeKind is what a code of a sequence says. Each kind has a table of its own.
type codeKind int

const (
	literalCodes codeKind = iota // how many literals there are before a match
	matchCodes                   // how long the match is
	offsetCodes                  // how far in front of its place it lies
	codeKinds
)

// minMatch is the shortest match that the format has.
const minMatch = 3

// codeCounts are the numbers of codes that dictionaries of this package have:
// those that a record of maxRecordBytes can need.
var codeCounts = [codeKinds]int{literalCodes: 33, matchCodes: 50, offsetCodes: 16}

// lengthCode is the code of a length: the least length that has it, and how many
// bits that follow it are added to that (RFC 8878, section 3.1.1.3.2.1.1).
type lengthCode struct {
	base uint16
	code uint8
	bits uint8
}

var (
	literalLengths = lengthCodes(0, 16, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13)
	matchLengths   = lengthCodes(minMatch, 32, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13)

	offsets = lengthCodes(1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

	shortLiterals = codesOfShort(&literalLengths)
	shortMatches  = codesOfShort(&matchLengths)
)

// lengthCodes lists codes: first those of a single length, then those of ranges.
func lengthCodes(base, single int, ranges ...uint8) (out [64]lengthCode) {
	for code := range single + len(ranges) {
		out[code] = lengthCode{base: uint16(base), code: uint8(code)}
		if code >= single {
			out[code].bits = ranges[code-single]
		}
		base += 1 << out[code].bits
	}
	return out
}

// codesOfShort is the code of each length below 256.
func codesOfShort(codes *[64]lengthCode) (out [256]lengthCode) {
	code := 0
	for length := range out {
		for codes[code+1].code > 0 && length >= int(codes[code+1].base) {
			code++
		}
		out[length] = codes[code]
	}
	return out
}

func literalCode(n uint16) lengthCode {
	if n < 256 {
		return shortLiterals[uint8(n)]
	}
	return literalLengths[(bits.Len16(n)+18)&63]
}

func matchCode(n uint16) lengthCode {
	if n < 256 {
		return shortMatches[uint8(n)]
	}
	return matchLengths[(bits.Len16(n-minMatch)+35)&63]
}

func offsetCode(offset uint16) uint8 { return uint8(bits.Len16(offset)-1) & 15 }
