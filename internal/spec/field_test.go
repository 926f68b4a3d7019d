package spec_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func field(t *testing.T, flag string) spec.Field {
	t.Helper()
	for _, f := range spec.Fields() {
		if f.Flag == flag {
			return f
		}
	}
	t.Fatalf("there is no flag --%s", flag)
	return spec.Field{}
}

// What Get gives, Set reads: so the wizard can show an answer and print the command that gives it.
func TestFieldsReadBackWhatTheyGive(t *testing.T) {
	t.Parallel()
	full := everything()
	for _, f := range spec.Fields() {
		text := f.Get(full)
		if text == "" {
			t.Errorf("--%s: no answer in a Setup that has them all", f.Flag)
		}
		if f.Placeholder == "FILE" {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			text = path
		}
		before, after := spec.Setup{}, full
		for _, setup := range []*spec.Setup{&before, &after} {
			if err := f.Set(setup, text); err != nil {
				t.Errorf("--%s %q: %v", f.Flag, text, err)
			}
		}
		if got, want := f.Get(before), f.Get(full); got != want {
			t.Errorf("--%s: %q becomes %q", f.Flag, want, got)
		}
		if diff := cmp.Diff(full, after); diff != "" {
			t.Errorf("--%s changes the answer or another one (-want +got):\n%s", f.Flag, diff)
		}
	}
}

// All fields together rebuild a Setup: no answer goes without a flag.
func TestFieldsCoverTheSetup(t *testing.T) {
	t.Parallel()
	full := everything()
	rebuilt := spec.Setup{APIVersion: full.APIVersion, Kind: full.Kind, Resolved: full.Resolved}
	seen := map[string]bool{}
	for _, f := range spec.Fields() {
		if seen[f.Flag] || f.Help == "" || strings.HasSuffix(f.Help, ".") || strings.ToLower(f.Flag) != f.Flag {
			t.Errorf("--%s stands twice or has no proper help", f.Flag)
		}
		seen[f.Flag] = true
		text := f.Get(full)
		if f.Placeholder == "FILE" {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			text = path
		}
		if err := f.Set(&rebuilt, text); err != nil {
			t.Errorf("--%s: %v", f.Flag, err)
		}
	}
	if diff := cmp.Diff(full, rebuilt); diff != "" {
		t.Errorf("an answer has no flag (-want +got):\n%s", diff)
	}
}

func TestEmptyTextTakesAnAnswerBack(t *testing.T) {
	t.Parallel()
	full := everything()
	for _, f := range spec.Fields() {
		if f.Placeholder == "FILE" {
			continue
		}
		if err := f.Set(&full, ""); err != nil || f.Get(full) != "" {
			t.Errorf("--%s: %v, left %q", f.Flag, err, f.Get(full))
		}
	}
	want := spec.Setup{APIVersion: full.APIVersion, Kind: full.Kind, Resolved: full.Resolved}
	want.Teleport.ProxyCA, want.Join.JWKS = full.Teleport.ProxyCA, full.Join.JWKS
	want.Workload.Patch, want.Output.Fragment = full.Workload.Patch, full.Output.Fragment
	if diff := cmp.Diff(want, full, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFieldsSayWhatTheyCannotRead(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	empty, large := filepath.Join(directory, "empty"), filepath.Join(directory, "large")
	for path, size := range map[string]int{empty: 0, large: 1<<20 + 1} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ flag, text, want string }{
		{"fips", "maybe", `"maybe" is neither true nor false`},
		{"labels", "a", `"a" is not key=value`},
		{"labels", "=b", `"=b" is not key=value`},
		{"labels", "a=1,b=2,a=3", `"a" stands twice`},
		{"toleration", "=value", `"=value" names neither a taint key nor an effect`},
		{"jwks-file", filepath.Join(directory, "none"), "cannot read the file: stat " + filepath.Join(directory, "none") + ": no such file or directory"},
		{"jwks-file", directory, `"` + directory + `" is no regular file`},
		{"jwks-file", empty, `"` + empty + `" is empty`},
		{"proxy-ca", large, `"` + large + `" is larger than 1 MiB`},
	} {
		setup := everything()
		err := field(t, c.flag).Set(&setup, c.text)
		if err == nil || err.Error() != c.want {
			t.Errorf("--%s %s: error = %v, want %s", c.flag, c.text, err, c.want)
		}
	}
}

func TestFieldsReadWhatPeopleType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag, text string
		got        func(spec.Setup) any
		want       any
	}{
		{"roles", " a, b ,,c", func(s spec.Setup) any { return s.Teleport.Roles }, []string{"a", "b", "c"}},
		{"fips", "yes", func(s spec.Setup) any { return s.Workload.FIPS }, true},
		{"fips", "0", func(s spec.Setup) any { return s.Workload.FIPS }, false},
		{"env", "A=x=y, B=", func(s spec.Setup) any { return s.Workload.Env }, spec.Texts{"A": "x=y", "B": ""}},
		{"toleration", "a, b=c:NoSchedule,:NoExecute", func(s spec.Setup) any { return s.Workload.Tolerations }, []spec.Toleration{{Key: "a"}, {Key: "b", Value: "c", Effect: "NoSchedule"}, {Effect: "NoExecute"}}},
	} {
		var setup spec.Setup
		if err := field(t, c.flag).Set(&setup, c.text); err != nil {
			t.Errorf("--%s %s: %v", c.flag, c.text, err)
		}
		if got := c.got(setup); !reflect.DeepEqual(got, c.want) {
			t.Errorf("--%s %s: got %v, want %v", c.flag, c.text, got, c.want)
		}
	}
}

func TestEnvironmentVariablesFollowTheFlags(t *testing.T) {
	t.Parallel()
	if got := spec.Env("bot-name"); got != "TBOTCTL_BOT_NAME" {
		t.Errorf("Env = %s", got)
	}
	if field(t, "roles").Switch() || !field(t, "fips").Switch() {
		t.Error("a switch takes a value, or the other way round")
	}
}

func TestQuoteLetsNoEscapeSequenceThrough(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"plain":                  `"plain"`,
		"\x1b[31mred\a":          `"\x1b[31mred\a"`,
		"left\u202eright\u200b":  `"left\u202eright\u200b"`,
		"\xff":                   `"\xff"`,
		"été":                    `"été"`,
		strings.Repeat("ä", 101): `"` + strings.Repeat("ä", 100) + `"…`,
	} {
		if got := spec.Quote(value); got != want {
			t.Errorf("Quote(%q) = %s, want %s", value, got, want)
		}
	}
}
