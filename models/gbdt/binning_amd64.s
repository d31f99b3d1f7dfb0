// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// COUNT leaves in AX twice the number of the sixteen bounds in four registers
// or places that are below the number in every lane of Y0: each comparison
// sets 64 bits, which two rounds of packing leave as two bytes.
#define COUNT(a, b, c, d) \
	VCMPPD $0x1E, a, Y0, Y1    \
	VCMPPD $0x1E, b, Y0, Y2    \
	VCMPPD $0x1E, c, Y0, Y3    \
	VCMPPD $0x1E, d, Y0, Y4    \
	VPACKSSDW Y2, Y1, Y1       \
	VPACKSSDW Y4, Y3, Y3       \
	VPACKSSWB Y3, Y1, Y1       \
	VPMOVMSKB Y1, AX           \
	POPCNTL AX, AX

// func countBelow256(dst *uint8, src *float64, n int, bound *[256]float64, every16th *[16]float64)
TEXT ·countBelow256(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ bound+24(FP), R8
	MOVQ every16th+32(FP), DX
	VMOVUPD 0(DX), Y8
	VMOVUPD 32(DX), Y9
	VMOVUPD 64(DX), Y10
	VMOVUPD 96(DX), Y11
	LEAQ (SI)(CX*8), R9
search:
	VBROADCASTSD (SI), Y0
	COUNT(Y8, Y9, Y10, Y11)
	MOVL AX, R11
	SHLL $6, R11                 // 128 bytes for each run of sixteen
	LEAQ (R8)(R11*1), R10
	SHRL $3, R11                 // 16 bins for each run
	COUNT((R10), 32(R10), 64(R10), 96(R10))
	SHRL $1, AX
	ADDL R11, AX
	MOVB AX, (DI)
	ADDQ $8, SI
	INCQ DI
	CMPQ SI, R9
	JNE  search
	VZEROUPPER
	RET
