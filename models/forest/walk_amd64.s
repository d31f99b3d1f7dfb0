// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// STEP moves the tree whose slot is I to its child, or leaves it where it is when
// that is a leaf. DX has the slot that it was in.
#define STEP(I) \
	MOVQ    (SI)(I*8), DX;    \
	MOVL    DX, AX;           \
	SHRL    $8, AX;           \
	MOVBLZX (DI)(AX*1), AX;   \
	SHRXQ   CX, DX, I;        \
	CMPB    DX, AX;           \
	ADCQ    $0, I

// SEEN keeps in BX what the bounds of all eight slots have in common: 255 is the
// bound of leaves alone.
#define SEEN(I) \
	STEP(I);      \
	ANDL DX, BX

// func walkEights(slots *slot, codes *uint8, roots, at *uint32, n int)
TEXT ·walkEights(SB), NOSPLIT, $0-40
	MOVQ slots+0(FP), SI
	MOVQ codes+8(FP), DI
	MOVL $32, CX
eight:
	MOVQ roots+16(FP), AX
	ADDQ $32, roots+16(FP)
	MOVL 0(AX), R8
	MOVL 4(AX), R9
	MOVL 8(AX), R10
	MOVL 12(AX), R11
	MOVL 16(AX), R12
	MOVL 20(AX), R13
	MOVL 24(AX), R14
	MOVL 28(AX), R15
steps:
	STEP(R8)
	STEP(R9)
	STEP(R10)
	STEP(R11)
	STEP(R12)
	STEP(R13)
	STEP(R14)
	STEP(R15)
	MOVL $-1, BX
	SEEN(R8)
	SEEN(R9)
	SEEN(R10)
	SEEN(R11)
	SEEN(R12)
	SEEN(R13)
	SEEN(R14)
	SEEN(R15)
	CMPB BX, $255
	JNE  steps
	MOVQ at+24(FP), AX
	ADDQ $32, at+24(FP)
	MOVL R8, 0(AX)
	MOVL R9, 4(AX)
	MOVL R10, 8(AX)
	MOVL R11, 12(AX)
	MOVL R12, 16(AX)
	MOVL R13, 20(AX)
	MOVL R14, 24(AX)
	MOVL R15, 28(AX)
	DECQ n+32(FP)
	JNE  eight
	RET
