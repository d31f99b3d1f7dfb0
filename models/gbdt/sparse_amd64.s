// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// Registers: DI cells, SI lists, R9 packed gradients, R8 row numbers and BX
// the first of them that is left, R11 the last that fetches ahead, CX the end;
// R14 bytes of a record. In a row: R13 its packed gradients, DX its next
// place, R12 its last four places.

#define CELL(k) \
	MOVWLZX (k*2)(DX), AX \
	ADDQ R13, (DI)(AX*8)

#define FOUR \
	CELL(0) \
	CELL(1) \
	CELL(2) \
	CELL(3) \
	ADDQ $8, DX

#define ROW \
	MOVL (BX), AX        \
	MOVQ (R9)(AX*8), R13 \
	IMULQ R14, AX        \
	LEAQ (SI)(AX*1), DX  \
	LEAQ -8(DX)(R14*1), R12 \
	ADDQ $4, BX

// func addPlaces(h *cell, lists *uint16, places int, overflow *uint16, rows *uint32, n int, packed *cell)
TEXT ·addPlaces(SB), NOSPLIT, $0-56
	MOVQ h+0(FP), DI
	MOVQ lists+8(FP), SI
	MOVQ places+16(FP), R14
	SHLQ $1, R14
	MOVQ rows+32(FP), BX
	MOVQ n+40(FP), AX
	LEAQ (BX)(AX*4), CX
	LEAQ -80(CX), R11
	MOVQ packed+48(FP), R9
next:
	CMPQ BX, R11
	JGE  last
	MOVL 80(BX), AX          // fetch the row 20 places ahead
	PREFETCHT0 (R9)(AX*8)
	IMULQ R14, AX
	PREFETCHT0 (SI)(AX*1)
	ADDQ R14, AX
	PREFETCHT0 -2(SI)(AX*1)
row:
	ROW
	CMPW 6(R12), $0xFFFF
	JEQ  long
	ADDQ $8, R12
cells:
	FOUR
	CMPQ DX, R12
	JNE  cells
	JMP  next
last:
	CMPQ BX, CX
	JLT  row
	RET
long:
	CMPQ DX, R12
	JEQ  end
	FOUR
	JMP  long
end:
	MOVQ overflow+24(FP), R10
	MOVL (R12), AX
	LEAQ (R10)(AX*2), DX
	MOVWLZX 4(R12), AX
	LEAQ (DX)(AX*2), R12
beyond:
	CELL(0)
	ADDQ $2, DX
	CMPQ DX, R12
	JNE  beyond
	JMP  next
