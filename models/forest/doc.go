// SPDX-License-Identifier: Apache-2.0

// Package forest is the compiled predictor. In goes a [models.Model], once; out
// comes a [Forest], which scores one vector or a batch of them and explains a
// score exactly, without allocating and from any number of goroutines.
//
// # The same bits as the naive walk
//
// [models.Model.Margin], the naive walk, is the definition. Every form of a
// forest gives its bits: leaves are found by exact comparison, and their values
// are added in tree order. TestMargin and FuzzMargin hold the package to that.
//
// # Steps
//
// Compile replaces comparisons of numbers by comparisons of bytes, and then lays
// out the forms that the model's scores are computed with:
//
//	forest.go                 Compile, and which form scores what
//	thresholds.go             the distinct thresholds of a feature, and their ranks
//	category.go               categories that no node tells apart share a class
//	columns.go                what each node compares: a column's code with a bound
//	walk.go                   form 1, the walk: every model, one step a node
//	blocks.go                 form 2, blocks: one vector, eight nodes at once;
//	blocks_shape.go             how trees are cut into blocks
//	blocks_layout.go            how blocks are written one after another
//	blocks_rows.go              where each block's children find room
//	lanes.go, lanes32_*.go    form 3, lanes: 64 vectors at once, or 32
//	shap_build.go, shap_tree.go  the form that explains
//	quadrature.go             the integration rule of explanations
//	parallel.go               compiling by several processors
//
// A score then takes two steps: the codes of the vector, and a form's sum.
//
//	encode.go, rank.go        a vector's, or a batch's, values to codes
//	asm_amd64.go, *.s         kernels for AVX2 and AVX-512, which compute what
//	                          the Go loops next to them compute
//	asm_generic.go            without kernels: the Go loops alone
//
// An explanation takes the same codes:
//
//	shap.go                   contributions: exact path-dependent SHAP values
//	background.go             contributions against a sample of rows
//	reasons.go                contributions to the reasons of an adverse decision
//	importance.go             how much the model uses each feature
//
// docs/design/predictor.md says how the forms work, what crossing their limits
// costs, and which other ways were tried.
package forest
