// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// bitOf[k] = 1<<(k%8), twice: the operand of a byte shuffle.
DATA bitOf<>+0(SB)/8, $0x8040201008040201
DATA bitOf<>+8(SB)/8, $0x8040201008040201
GLOBL bitOf<>(SB), RODATA|NOPTR, $16

// func lanesTreeAVX2(ops *laneOp, n int, arena, sets *uint8)
//
// laneOp: 0 column, 4 left, 8 right, 12 dst line<<8 | bound.
TEXT ·lanesTreeAVX2(SB), NOSPLIT, $0-32
	MOVQ ops+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ arena+16(FP), DI
	MOVQ sets+24(FP), R9

	VBROADCASTI128 bitOf<>(SB), Y12
	VPCMPEQB       Y13, Y13, Y13
	VPABSB         Y13, Y13
	VPSLLW         $3, Y13, Y14
	VPSUBB         Y13, Y14, Y13  // 7 in every byte
	VPXOR          Y15, Y15, Y15

loop:
	MOVL         0(SI), AX
	MOVL         12(SI), R8
	MOVL         4(SI), BX
	CMPB         R8, $255
	JEQ          set
	VPBROADCASTB 12(SI), Y1
	MOVL         8(SI), DX
	SHRL         $8, R8
	SHLQ         $6, R8
	VPMINUB      (DI)(AX*1), Y1, Y4
	VPMINUB      32(DI)(AX*1), Y1, Y5
	VPCMPEQB     (DI)(AX*1), Y4, Y4   // code <= bound
	VPCMPEQB     32(DI)(AX*1), Y5, Y5
	VMOVDQA      (DI)(DX*1), Y6
	VMOVDQA      32(DI)(DX*1), Y7
	VPBLENDVB    Y4, (DI)(BX*1), Y6, Y6
	VPBLENDVB    Y5, 32(DI)(BX*1), Y7, Y7
	VMOVDQA      Y6, (DI)(R8*1)
	VMOVDQA      Y7, 32(DI)(R8*1)
	ADDQ         $16, SI
	DECQ         CX
	JNZ          loop
	VMOVDQA      Y6, (DI)
	VMOVDQA      Y7, 32(DI)
	VZEROUPPER
	RET

	// A set has 32 bytes. Byte class>>3 of it, and bit class&7 of that. The
	// shuffle looks at 16 bytes: bit 7 of the class says in which half.
set:
	SHRL           $8, R8
	SHLQ           $6, R8
	VBROADCASTI128 (R9)(BX*1), Y10
	VBROADCASTI128 16(R9)(BX*1), Y11
	VMOVDQA        (DI)(AX*1), Y2
	VMOVDQA        32(DI)(AX*1), Y3
	VPAND          Y13, Y2, Y4
	VPAND          Y13, Y3, Y5
	VPSHUFB        Y4, Y12, Y4        // the bit
	VPSHUFB        Y5, Y12, Y5
	VPANDN         Y2, Y13, Y0        // class without its low three bits
	VPANDN         Y3, Y13, Y1
	VPSRLW         $3, Y0, Y0
	VPSRLW         $3, Y1, Y1
	VPSHUFB        Y0, Y10, Y6
	VPSHUFB        Y1, Y10, Y7
	VPSHUFB        Y0, Y11, Y8
	VPSHUFB        Y1, Y11, Y9
	VPBLENDVB      Y2, Y8, Y6, Y6
	VPBLENDVB      Y3, Y9, Y7, Y7
	VPAND          Y4, Y6, Y6
	VPAND          Y5, Y7, Y7
	VPCMPEQB       Y15, Y6, Y6        // outside
	VPCMPEQB       Y15, Y7, Y7
	VMOVDQA        Y6, (DI)(R8*1)
	VMOVDQA        Y7, 32(DI)(R8*1)
	ADDQ           $16, SI
	DECQ           CX
	JMP            loop               // never the last operation

// func lanesTreeAVX512(ops *laneOp, n int, arena, sets *uint8)
//
// The arena is aligned to its lines of 64 bytes: one register a line.
TEXT ·lanesTreeAVX512(SB), NOSPLIT, $0-32
	MOVQ ops+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ arena+16(FP), DI
	MOVQ sets+24(FP), R9

	VBROADCASTI32X4 bitOf<>(SB), Z12
	MOVL            $7, AX
	VPBROADCASTB    AX, Z13

loop512:
	MOVL         0(SI), AX
	MOVL         12(SI), R8
	MOVL         4(SI), BX
	CMPB         R8, $255
	JEQ          set512
	MOVL         8(SI), DX
	VPBROADCASTB 12(SI), Z1
	SHRL         $8, R8
	SHLQ         $6, R8
	VPCMPUB      $5, (DI)(AX*1), Z1, K1 // bound >= code
	VMOVDQU64    (DI)(DX*1), Z6
	VMOVDQU8     (DI)(BX*1), K1, Z6
	VMOVDQU64    Z6, (DI)(R8*1)
	ADDQ         $16, SI
	DECQ         CX
	JNZ          loop512
	VMOVDQU64    Z6, (DI)
	VZEROUPPER
	RET

set512:
	SHRL            $8, R8
	SHLQ            $6, R8
	VBROADCASTI32X4 (R9)(BX*1), Z10
	VBROADCASTI32X4 16(R9)(BX*1), Z11
	VMOVDQU64       (DI)(AX*1), Z2
	VPANDQ          Z13, Z2, Z4
	VPSHUFB         Z4, Z12, Z4        // the bit
	VPANDNQ         Z2, Z13, Z0        // class without its low three bits
	VPSRLW          $3, Z0, Z0
	VPMOVB2M        Z2, K2             // which half
	VPSHUFB         Z0, Z10, Z6
	VPSHUFB         Z0, Z11, Z8
	VMOVDQU8        Z8, K2, Z6
	VPTESTNMB       Z4, Z6, K1         // outside
	VPMOVM2B        K1, Z6
	VMOVDQU64       Z6, (DI)(R8*1)
	ADDQ            $16, SI
	DECQ            CX
	JMP             loop512            // never the last operation

// func lanesAdd64(sums *[64]float64, leaf *float64, index *uint8)
TEXT ·lanesAdd64(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ leaf+8(FP), SI
	MOVQ index+16(FP), DX
	MOVL $16, CX

add64:
	MOVBLZX     0(DX), AX
	MOVBLZX     1(DX), BX
	MOVBLZX     2(DX), R8
	MOVBLZX     3(DX), R9
	VMOVSD      (SI)(AX*8), X0
	VMOVSD      (SI)(R8*8), X1
	VMOVHPD     (SI)(BX*8), X0, X0
	VMOVHPD     (SI)(R9*8), X1, X1
	VADDPD      0(DI), X0, X0
	VADDPD      16(DI), X1, X1
	VMOVUPD     X0, 0(DI)
	VMOVUPD     X1, 16(DI)
	ADDQ        $4, DX
	ADDQ        $32, DI
	DECL        CX
	JNZ         add64
	RET

// func lanesAdd32(sums *[64]float32, leaf *float32, index *uint8)
TEXT ·lanesAdd32(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ leaf+8(FP), SI
	MOVQ index+16(FP), DX
	MOVL $16, CX

add32:
	MOVBLZX   0(DX), AX
	MOVBLZX   1(DX), BX
	MOVBLZX   2(DX), R8
	MOVBLZX   3(DX), R9
	VMOVSS    (SI)(AX*4), X0
	VINSERTPS $0x10, (SI)(BX*4), X0, X0
	VINSERTPS $0x20, (SI)(R8*4), X0, X0
	VINSERTPS $0x30, (SI)(R9*4), X0, X0
	VADDPS    (DI), X0, X0
	VMOVUPS   X0, (DI)
	ADDQ      $4, DX
	ADDQ      $16, DI
	DECL      CX
	JNZ       add32
	RET
