// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

#define MOVE \
	MOVL    (SI)(BX*4), AX   \
	MOVBLZX (R9)(AX*1), R10  \
	MOVBLZX (R12)(R10*1), R10 \
	MOVL    AX, (SI)(DX*4)   \
	MOVL    AX, (DI)(R13*4)  \
	ADDQ    R10, DX          \
	XORQ    $1, R10          \
	ADDQ    R10, R13         \
	INCQ    BX

// func divideRows(rows, spare *uint32, n int, column, router *uint8) int
TEXT ·divideRows(SB), NOSPLIT, $0-48
	MOVQ rows+0(FP), SI
	MOVQ spare+8(FP), DI
	MOVQ n+16(FP), CX
	MOVQ column+24(FP), R9
	MOVQ router+32(FP), R12
	XORQ BX, BX          // place
	XORQ DX, DX          // rows that went left
	XORQ R13, R13        // and right
	LEAQ -32(CX), R11
	CMPQ BX, R11
	JGE  tail
ahead:
	MOVL 128(SI)(BX*4), AX
	PREFETCHT0 (R9)(AX*1)
	MOVE
	CMPQ BX, R11
	JLT  ahead
tail:
	CMPQ BX, CX
	JGE  done
	MOVE
	JMP  tail
done:
	MOVQ DX, ret+40(FP)
	RET
