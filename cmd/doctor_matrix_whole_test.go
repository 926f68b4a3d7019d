package cmd_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
)

// TestDoctorMatrixIsWhole holds the matrix to all 42 known failures, most of them made and mended for real, each found by a check that
// names it.
func TestDoctorMatrixIsWhole(t *testing.T) {
	t.Parallel()
	const problems, leastMade, leastMended = 42, 30, 25
	names := map[checks.ID][]string{}
	for _, check := range checks.Catalogue() {
		names[check.ID] = check.Problems
	}
	rows, made, mended := faultRows(), 0, 0
	for i, row := range rows {
		if want := fmt.Sprintf("P%02d", i+1); row.problem != want {
			t.Errorf("row %d is of %s, want %s", i, row.problem, want)
		}
		if !slices.Contains(names[row.want], row.problem) {
			t.Errorf("%s, which finds %s, names %v", row.want, row.problem, names[row.want])
		}
		if row.mends != nil && row.fix == byShell {
			t.Errorf("%s has a way of its own to mend, and calls it the finding's command", row.problem)
		}
		if row.judged != nil {
			continue
		}
		if !row.handmade {
			made++
		}
		if row.fix != byWord {
			mended++
		}
	}
	if len(rows) != problems || made < leastMade || mended < leastMended {
		t.Errorf("%d faults, %d of them made and %d mended by their fix; want %d, %d and %d", len(rows), made, mended, problems, leastMade, leastMended)
	}
	t.Logf("%d made, %d mended by their fix", made, mended)
}
