// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// SELECT4 and SELECT8 fetch the codes of the columns in Y0, from the tables in
// Y8 to Y11 (Y15), to Y0. A shuffle looks at the low four bits of a column, and
// gives 0 when bit 7 is set; the other bits say which table. Doubling moves the
// bit that chooses to the top of its byte.
#define SELECT4 \
	VPADDB    Y0, Y0, Y2;     \
	VPADDB    Y2, Y2, Y2;     \
	VPSHUFB   Y0, Y8, Y3;     \
	VPSHUFB   Y0, Y10, Y4;    \
	VPSHUFB   Y0, Y9, Y5;     \
	VPSHUFB   Y0, Y11, Y6;    \
	VPBLENDVB Y2, Y4, Y3, Y3; \
	VPBLENDVB Y2, Y6, Y5, Y5; \
	VPADDB    Y2, Y2, Y2;     \
	VPBLENDVB Y2, Y5, Y3, Y0

#define SELECT8 \
	VPADDB    Y0, Y0, Y2;     \
	VPSHUFB   Y0, Y8, Y3;     \
	VPSHUFB   Y0, Y12, Y6;    \
	VPBLENDVB Y2, Y6, Y3, Y3; \
	VPSHUFB   Y0, Y9, Y4;     \
	VPSHUFB   Y0, Y13, Y6;    \
	VPBLENDVB Y2, Y6, Y4, Y4; \
	VPSHUFB   Y0, Y10, Y5;    \
	VPSHUFB   Y0, Y14, Y6;    \
	VPBLENDVB Y2, Y6, Y5, Y5; \
	VPSHUFB   Y0, Y11, Y6;    \
	VPSHUFB   Y0, Y15, Y0;    \
	VPBLENDVB Y2, Y0, Y6, Y6; \
	VPADDB    Y2, Y2, Y2;     \
	VPBLENDVB Y2, Y5, Y3, Y3; \
	VPBLENDVB Y2, Y6, Y4, Y4; \
	VPADDB    Y2, Y2, Y2;     \
	VPBLENDVB Y2, Y4, Y3, Y0

#define TABLES4 \
	VBROADCASTI128 0(DI), Y8;   \
	VBROADCASTI128 16(DI), Y9;  \
	VBROADCASTI128 32(DI), Y10; \
	VBROADCASTI128 48(DI), Y11

#define TABLES8 \
	TABLES4;                     \
	VBROADCASTI128 64(DI), Y12;  \
	VBROADCASTI128 80(DI), Y13;  \
	VBROADCASTI128 96(DI), Y14;  \
	VBROADCASTI128 112(DI), Y15

// PLAIN has no categories.
#define PLAINROOT
#define PLAINNEXT

// CATROOT ors the category answers of the root blocks into the turns, R14 of
// the other blocks.
#define CATROOT \
	MOVL    80(SI), BX;     \
	MOVL    84(SI), CX;     \
	MOVBLZX (R13)(BX*1), BX; \
	MOVBLZX (R13)(CX*1), CX; \
	SHLL    $8, CX;         \
	ORL     BX, AX;         \
	ORL     CX, AX;         \
	MOVL    88(SI), BX;     \
	MOVL    92(SI), CX;     \
	MOVBLZX (R13)(BX*1), BX; \
	MOVBLZX (R13)(CX*1), CX; \
	SHLL    $16, BX;        \
	SHLL    $24, CX;        \
	ORL     BX, AX;         \
	ORL     CX, AX

#define CATNEXT \
	MOVL    16(BX), DX;      \
	MOVBLZX (R13)(DX*1), DX; \
	ORL     DX, AX;          \
	MOVL    16(CX), DX;      \
	MOVBLZX (R13)(DX*1), DX; \
	SHLL    $8, DX;          \
	ORL     DX, AX;          \
	MOVL    16(R14), DX;     \
	MOVBLZX (R13)(DX*1), DX; \
	SHLL    $16, DX;         \
	ORL     DX, AX;          \
	MOVL    16(R15), DX;     \
	MOVBLZX (R13)(DX*1), DX; \
	SHLL    $24, DX;         \
	ORL     DX, AX

// BODY is a kernel: groups from SI, codes at DI, data at R12, the sum in X7. R13
// is for the category answers, or to count the steps.
#define BODY(TABLES, SELECT, ROOT, NEXT, HEADER, STEPS, MOV, ADD) \
	MOVQ groups+0(FP), SI;   \
	MOVQ n+8(FP), AX;        \
	SHLQ $7, AX;             \
	ADDQ SI, AX;             \
	MOVQ AX, end-8(SP);      \
	MOVQ codes+16(FP), DI;   \
	MOVQ data+24(FP), R12;   \
	MOV  sum+40(FP), X7;     \
	TABLES;                  \
group: \
	VMOVDQU   0(SI), Y0;      \
	SELECT;                   \
	VPMAXUB   32(SI), Y0, Y1; \
	VPCMPEQB  Y0, Y1, Y0;     \
	VPMOVMSKB Y0, AX;         \
	ROOT;                     \
	MOVL      64(SI), R8;     \
	MOVL      68(SI), R9;     \
	MOVL      72(SI), R10;    \
	MOVL      76(SI), R11;    \
	ADDQ      R12, R8;        \
	ADDQ      R12, R9;        \
	ADDQ      R12, R10;       \
	ADDQ      R12, R11;       \
	MOVBLZX   AL, BX;         \
	MOVBLZX   AH, CX;         \
	SHRL      $16, AX;        \
	MOVBLZX   AL, R14;        \
	SHRL      $8, AX;         \
	MOVWLZX   (R8)(BX*2), BX; \
	MOVWLZX   (R9)(CX*2), CX; \
	MOVWLZX   (R10)(R14*2), R14; \
	MOVWLZX   (R11)(AX*2), R15; \
	LEAQ      (R8)(BX*8), BX; \
	LEAQ      (R9)(CX*8), CX; \
	LEAQ      (R10)(R14*8), R14; \
	LEAQ      (R11)(R15*8), R15; \
	MOVL      96(SI), DX;     \
	TESTL     DX, DX;         \
	JEQ       leaf;           \
	MOVL      DX, STEPS;      \
block: \
	VMOVDQU     (BX), X0;         \
	VMOVDQU     (CX), X1;         \
	VINSERTI128 $1, (R14), Y0, Y2; \
	VINSERTI128 $1, (R15), Y1, Y3; \
	VPUNPCKLQDQ Y3, Y2, Y0;       \
	VPUNPCKHQDQ Y3, Y2, Y1;       \
	SELECT;                       \
	VPMAXUB     Y0, Y1, Y1;       \
	VPCMPEQB    Y0, Y1, Y0;       \
	VPMOVMSKB   Y0, AX;           \
	NEXT;                         \
	MOVBLZX     AL, DX;           \
	MOVWLZX     HEADER(BX)(DX*2), BX; \
	MOVBLZX     AH, DX;           \
	MOVWLZX     HEADER(CX)(DX*2), CX; \
	SHRL        $16, AX;          \
	MOVBLZX     AL, DX;           \
	SHRL        $8, AX;           \
	MOVWLZX     HEADER(R14)(DX*2), R14; \
	MOVWLZX     HEADER(R15)(AX*2), R15; \
	LEAQ        (R8)(BX*8), BX;   \
	LEAQ        (R9)(CX*8), CX;   \
	LEAQ        (R10)(R14*8), R14; \
	LEAQ        (R11)(R15*8), R15; \
	DECL        STEPS;            \
	JNZ         block;            \
leaf: \
	ADD  (BX), X7, X7;    \
	ADD  (CX), X7, X7;    \
	ADD  (R14), X7, X7;   \
	ADD  (R15), X7, X7;   \
	ADDQ $128, SI;        \
	CMPQ SI, end-8(SP);   \
	JNE  group

// func blocks4x64(groups *group, n int, codes, data, answers *uint8, sum float64) float64
TEXT ·blocks4x64(SB), NOSPLIT, $16-56
	BODY(TABLES4, SELECT4, PLAINROOT, PLAINNEXT, 16, R13, VMOVSD, VADDSD)
	VMOVSD X7, ret+48(FP)
	VZEROUPPER
	RET

// func blocks8x64(groups *group, n int, codes, data, answers *uint8, sum float64) float64
TEXT ·blocks8x64(SB), NOSPLIT, $16-56
	BODY(TABLES8, SELECT8, PLAINROOT, PLAINNEXT, 16, R13, VMOVSD, VADDSD)
	VMOVSD X7, ret+48(FP)
	VZEROUPPER
	RET

// func blocks4Cat64(groups *group, n int, codes, data, answers *uint8, sum float64) float64
TEXT ·blocks4Cat64(SB), NOSPLIT, $16-56
	MOVQ answers+32(FP), R13
	BODY(TABLES4, SELECT4, CATROOT, CATNEXT, 24, steps-16(SP), VMOVSD, VADDSD)
	VMOVSD X7, ret+48(FP)
	VZEROUPPER
	RET

// func blocksCat64(groups *group, n int, codes, data, answers *uint8, sum float64) float64
TEXT ·blocksCat64(SB), NOSPLIT, $16-56
	MOVQ answers+32(FP), R13
	BODY(TABLES8, SELECT8, CATROOT, CATNEXT, 24, steps-16(SP), VMOVSD, VADDSD)
	VMOVSD X7, ret+48(FP)
	VZEROUPPER
	RET

// func blocks32(groups *group, n int, codes, data, answers *uint8, sum float32) float32
TEXT ·blocks32(SB), NOSPLIT, $16-52
	BODY(TABLES8, SELECT8, PLAINROOT, PLAINNEXT, 16, R13, VMOVSS, VADDSS)
	VMOVSS X7, ret+48(FP)
	VZEROUPPER
	RET

// func blocksCat32(groups *group, n int, codes, data, answers *uint8, sum float32) float32
TEXT ·blocksCat32(SB), NOSPLIT, $16-52
	MOVQ answers+32(FP), R13
	BODY(TABLES8, SELECT8, CATROOT, CATNEXT, 24, steps-16(SP), VMOVSS, VADDSS)
	VMOVSS X7, ret+48(FP)
	VZEROUPPER
	RET

// func orBytesAVX2(dst, src *uint8, n int)
//
// n is a multiple of 32, not 0.
TEXT ·orBytesAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

or:
	VMOVDQU (SI), Y0
	VPOR    (DI), Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $32, CX
	JNZ     or
	VZEROUPPER
	RET
