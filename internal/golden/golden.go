// Package golden compares what a test got with a file under its testdata. It is test support and owns no other fixture.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files instead of comparing with them") //nolint:gochecknoglobals // a test binary's flag has to exist before flag.Parse

// Assert fails the test where got differs from testdata/name, line by line, or rewrites that file with -update.
func Assert(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // the path is the test's own
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("%s differs (-want +got); run the test with -update if that is meant:\n%s", path, diff)
	}
}

// lines splits text without losing line ends, so that a missing newline at the end shows too.
func lines(text []byte) []string { return strings.SplitAfter(string(text), "\n") }
