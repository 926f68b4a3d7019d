package report_test

import (
	"bytes"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/report"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	diff := report.Diff{Setup: sampleSetup(), Plan: samplePlan()}
	var table, document bytes.Buffer
	if err := diff.Table(&table); err != nil {
		t.Fatal(err)
	}
	if err := diff.JSON(&document); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "diff.txt", table.Bytes())
	golden.Assert(t, "diff.json", document.Bytes())
}

func TestDiffOfNothing(t *testing.T) {
	t.Parallel()
	var document bytes.Buffer
	if err := (report.Diff{Setup: sampleSetup(), Plan: plan.Plan{}}).JSON(&document); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(document.Bytes(), []byte(`"differs": false`)) || bytes.Contains(document.Bytes(), []byte("null")) {
		t.Errorf("document %s", document.String())
	}
}
