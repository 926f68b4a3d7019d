package spec_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// FuzzAnswersSurvive holds the answers file to its promise for text of every kind that Validate lets through.
func FuzzAnswersSurvive(f *testing.F) {
	f.Add("plain", "key", "{}")
	f.Add("\n a\n\n", "true", "# comment\n")
	f.Add("\t: '\"\\ \u2028\u0085\ufeff", "~", "a\r\nb")
	f.Add("--- \n...\n", "1e3", "|")
	f.Fuzz(func(t *testing.T, value, role, jwks string) {
		setup := spec.Default()
		setup.Workload.Env = map[string]string{"A": value}
		setup.Workload.Annotations = map[string]string{"a": value}
		setup.Teleport.Roles = []string{role}
		setup.Join.JWKS = strings.TrimLeftFunc(jwks, unicode.IsSpace) // as --jwks-file reads it
		if setup.Validate() != nil {
			return
		}
		var file bytes.Buffer
		if err := spec.Save(&file, setup); err != nil {
			t.Fatal(err)
		}
		text := file.String()
		loaded, err := spec.Load(&file)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(setup, loaded); diff != "" {
			t.Errorf("-saved +loaded:\n%s\n%s", diff, text)
		}
	})
}
