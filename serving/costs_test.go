// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/policy"
)

// methodCost is the most that one call of a method takes, as docs/serving.md prints
// it. Its figures are those of the code.
type methodCost struct {
	calls   string // under way at once
	request string // bytes
	records string // that are opened
	work    string // of the processor
	rate    string // of the caller's rate, in rows
}

// costs has an entry for every method.
func costs() map[string]methodCost {
	cfg, err := Config{Bundle: &models.Bundle{Model: new(models.Model)}, Journal: new(journal.Journal)}.withDefaults()
	if err != nil {
		panic(err)
	}
	calls := fmt.Sprintf("%d a connection", maxStreams)
	message := fmt.Sprintf("%d MiB", cfg.MaxMessageBytes>>20)
	inFlight := calls + fmt.Sprintf(", %d rows in all", cfg.MaxInFlight)
	open := fmt.Sprintf("%d a connection, %d in all", strangerStreamsPerConnection, strangerStreams)
	few := fmt.Sprintf("%d KiB, then %d B/s", strangerBytes>>10, strangerBytesPerSecond)
	at := func(d time.Duration) string {
		return "in memory; ends after " + strings.TrimSuffix(d.String(), "0s")
	}
	row := fmt.Sprintf("the model's trees once, and again for reasons; %d units for the policy", policy.MaxCost)
	call := methodCost{open, few, "0", "in memory; ends after 10s", "0"}
	watch := methodCost{open, few, "0", at(strangerWatch), "0"}
	status := methodCost{calls, message, "0", "in memory", "0"}
	act := methodCost{calls + fmt.Sprintf("; %d are prepared at once, at most %d of one caller", maxPreparing,
		maxPreparingOfOne), message, "1; those of a new plan's windows", "a bundle is read, checked and compiled", "0"}
	read := methodCost{calls, message, "1, and the leaves of its group", "one record opened", "1"}
	setPolicy := act
	setPolicy.request = fmt.Sprintf("%d KiB, %d lines, %d values, %d levels", yamltext.Policy.Bytes>>10,
		yamltext.Policy.Lines, yamltext.Policy.Nodes, yamltext.MaxDepth)
	setPolicy.work = "64 MB at most to read it; the model is compiled"
	list := methodCost{fmt.Sprintf("%d in all, of which half as many as there are processors are filled", maxLists),
		message, fmt.Sprint(maxScan),
		fmt.Sprintf("each record opened; waits %v for every %d records while rows are scored",
			yieldFor, yieldEvery),
		fmt.Sprintf("1, and 1 more for every %d records", recordsPerRow)}
	return map[string]methodCost{
		"/grpc.health.v1.Health/Check":                                   call,
		"/grpc.health.v1.Health/Watch":                                   watch,
		"/grpc.health.v1.Health/List":                                    status,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      watch,
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": watch,
		inferencev2.GRPCInferenceService_ServerLive_FullMethodName:       call,
		inferencev2.GRPCInferenceService_ServerReady_FullMethodName:      call,
		inferencev2.GRPCInferenceService_ServerMetadata_FullMethodName:   status,
		inferencev2.GRPCInferenceService_ModelReady_FullMethodName:       status,
		inferencev2.GRPCInferenceService_ModelMetadata_FullMethodName:    status,
		inferencev2.GRPCInferenceService_ModelInfer_FullMethodName: {inFlight, message, "0",
			"the model's trees once a row, and again for contributions", "1 a row"},
		inferencev2.GRPCInferenceService_RepositoryIndex_FullMethodName:     status,
		inferencev2.GRPCInferenceService_RepositoryModelLoad_FullMethodName: act,
		inferencev2.GRPCInferenceService_RepositoryModelUnload_FullMethodName: {calls, message,
			"0", "in memory", "0"},
		pb.Scoring_Score_FullMethodName: {inFlight, message,
			"0; 1 when the request id was used before", row, "1"},
		pb.Scoring_ScoreBatch_FullMethodName: {inFlight,
			message + fmt.Sprintf(", %d rows", cfg.MaxBatchRows), "0; 1 for a row whose id was used before",
			row + ", a row", "1 a row"},
		pb.Scoring_ScoreStream_FullMethodName: {inFlight, message + " a message",
			"0; 1 for a row whose id was used before", row + ", a row", "1 a row"},
		pb.Scoring_Record_FullMethodName: {inFlight, message,
			"0; 1 when the request id was used before", "the event checked", "1"},
		pb.Scoring_RecordBatch_FullMethodName: {inFlight,
			message + fmt.Sprintf(", %d rows", cfg.MaxBatchRows), "0; 1 for a row whose id was used before",
			"each event checked", "1 a row"},
		pb.Scoring_Explain_FullMethodName: {inFlight, message, "1",
			"one exact explanation", "1"},
		pb.Scoring_GetDecision_FullMethodName:   read,
		pb.Scoring_GetReceipt_FullMethodName:    read,
		pb.Scoring_ListDecisions_FullMethodName: list,
		pb.Scoring_WatchCheckpoints_FullMethodName: {calls, message, "0",
			"one checkpoint as it is published", "0"},
		pb.Admin_ListModels_FullMethodName:    status,
		pb.Admin_GetStatus_FullMethodName:     status,
		pb.Admin_ActivateModel_FullMethodName: act,
		pb.Admin_SetShadow_FullMethodName:     act,
		pb.Admin_SetPolicy_FullMethodName:     setPolicy,
		pb.Admin_EraseSubject_FullMethodName: {calls, message, "1",
			"one key destroyed", "0"},
		pb.Admin_RecordReport_FullMethodName: {calls, message, "1", "one record", "0"},
	}
}

// TestCosts writes what a call of each method may cost into docs/serving.md, and
// what a connection may without a credential.
func TestCosts(t *testing.T) {
	all := costs()
	methods := slices.Sorted(maps.Keys(auth.Methods()))
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, methods) {
		t.Fatalf("the costs are of %q,\nthe methods are %q", got, methods)
	}
	var b strings.Builder
	b.WriteString("\n| method | calls at once | bytes of a request | records opened | work | rows of the caller's " +
		"rate |\n|---|---|---|---|---|---|\n")
	for _, m := range methods {
		c := all[m]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", m[1:], c.calls, c.request, c.records, c.work, c.rate)
	}
	between(t, "costs", b.String())
	b.Reset()
	b.WriteString("\n| without a credential | |\n|---|---|\n")
	for _, r := range [][2]string{
		{"connections",
			fmt.Sprintf("%d in all; %d on which nobody has been authenticated: when there is one more, the oldest of "+
				"these is closed", maxConnections, maxStrangers)},
		{"bytes that such a connection sends",
			fmt.Sprintf("%d KiB at once, then %d a second; if it sends more, it is closed",
				strangerBytes>>10, strangerBytesPerSecond)},
		{"calls of methods that need no credential",
			fmt.Sprintf("%d at once, then %d a second; if there are more, it is closed",
				strangerCalls, strangerCallsPerSecond)},
		{"calls that are refused",
			fmt.Sprintf("%d at once, then %d a second; if there are more, it is closed", strangerRefusals,
				strangerCallsPerSecond)},
		{"such calls under way",
			fmt.Sprintf("%d a connection, %d in all", strangerStreamsPerConnection, strangerStreams)},
		{"calls whose token is being verified",
			fmt.Sprintf("%d a connection, %d in all, each with one message of %d MiB at most",
				pendingTokensPerConnection, pendingTokens, 4)},
		{"connections to the operators' port (`ops`)",
			fmt.Sprintf("%d: when there is one more, the oldest is closed; %d answers of `/metrics` are made at once",
				maxOpsConnections, maxScrapes)},
		{"memory of all of it",
			"256 MB at most with 200 connections (`TestStrangers` with `ASSAY_STRANGERS=200`)"},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", r[0], r[1])
	}
	between(t, "strangers", b.String())
}
