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

// func divideRows(rows, right *uint32, n int, column, router *uint8) int
TEXT ·divideRows(SB), NOSPLIT, $0-48
	MOVQ rows+0(FP), SI
	MOVQ right+8(FP), DI
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

// func divideRecords(rows, right *uint32, n int, column, router *uint8, shift int) int
// The cells of a row's neighbours in the column are 1<<shift bytes apart.
#define MOVERECORD \
	MOVL    (SI)(BX*4), AX   \
	MOVQ    AX, R8           \
	SHLQ    CX, R8           \
	MOVBLZX (R9)(R8*1), R10  \
	MOVBLZX (R12)(R10*1), R10 \
	MOVL    AX, (SI)(DX*4)   \
	MOVL    AX, (DI)(R13*4)  \
	ADDQ    R10, DX          \
	XORQ    $1, R10          \
	ADDQ    R10, R13         \
	INCQ    BX

TEXT ·divideRecords(SB), NOSPLIT, $0-56
	MOVQ rows+0(FP), SI
	MOVQ right+8(FP), DI
	MOVQ n+16(FP), R11
	MOVQ column+24(FP), R9
	MOVQ router+32(FP), R12
	MOVQ shift+40(FP), CX
	XORQ BX, BX          // place
	XORQ DX, DX          // rows that went left
	XORQ R13, R13        // and right
	SUBQ $32, R11
	CMPQ BX, R11
	JGE  tail
ahead:
	MOVL 128(SI)(BX*4), AX
	SHLQ CX, AX
	PREFETCHT0 (R9)(AX*1)
	MOVERECORD
	CMPQ BX, R11
	JLT  ahead
tail:
	ADDQ $32, R11
rest:
	CMPQ BX, R11
	JGE  done
	MOVERECORD
	JMP  rest
done:
	MOVQ DX, ret+48(FP)
	RET
