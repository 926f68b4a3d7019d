package tbotconfig

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// A gate on a key that cannot stand in a file would never speak: each is about one that a file of the tests gives.
func TestEveryGateIsAboutSomethingThatCanBeWritten(t *testing.T) {
	t.Parallel()
	given := map[[2]string]bool{}
	for _, name := range []string{"types.yaml", "everything.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		read, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		for path := range read.lines {
			given[[2]string{topLevel, listNumber.ReplaceAllString(path, "")}] = true
		}
		for i, output := range read.config.Outputs {
			kind := output.Shared().Type
			given[[2]string{kind, ""}], given[[2]string{kind, underServices}] = true, true
			for path := range read.lines {
				if key, under := strings.CutPrefix(path, read.paths[i]+"."); under {
					key = listNumber.ReplaceAllString(key, "")
					given[[2]string{kind, key}], given[[2]string{anyKind, key}] = true, true
				}
			}
		}
	}
	seen := map[[2]string]bool{}
	for _, g := range gates() {
		subject := [2]string{g.kind, g.key}
		if !given[subject] {
			t.Errorf("%q: no file gives it", subject)
		}
		if seen[subject] {
			t.Errorf("%q stands twice in the table, and only one of both speaks", subject)
		}
		seen[subject] = true
		if g.source == "" || len(g.since) == 0 && g.gone == "" {
			t.Errorf("%q: %+v says nothing, or not by whom", subject, g)
		}
		if !slices.IsSortedFunc(g.since, semver.Compare) || slices.ContainsFunc(append(slices.Clone(g.since), g.gone), func(v string) bool { return v != "" && !semver.IsValid(v) }) {
			t.Errorf("%q: releases %q, %q", subject, g.since, g.gone)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	backported := since("v17.7.4", "v18.1.7")
	vague := before19(about("v17.4.0"))
	for _, c := range []struct {
		span    span
		release string
		want    having
	}{
		{backported, "v16.9.9", notYet},
		{backported, "v17.7.3", notYet},
		{backported, "v17.7.4-rc.1", notYet},
		{backported, "v17.7.4", has},
		{backported, "v17.9.0", has},
		{backported, "v18.0.0", notYet},
		{backported, "v18.1.7", has},
		{backported, "v19.0.0-dev", has},
		{backported, "v20.1.0", has},
		{vague, "v16.5.0", notYet},
		{vague, "v17.3.9", perhaps},
		{vague, "v17.4.0", has},
		{vague, "v18.0.0", has},
		{vague, "v19.0.0-dev", noLonger},
		{vague, "v19.0.0", noLonger},
		{span{}, "v10.0.0", has},
	} {
		if got := c.span.of(c.release); got != c.want {
			t.Errorf("%+v in %s: %d, want %d", c.span, c.release, got, c.want)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"18.2.0": "v18.2.0", "v18.2.0": "v18.2.0", "18.2.0-dev": "v18.2.0-dev", "18.2.0+ent": "v18.2.0",
		"": "", "18": "", "18.2": "", "latest": "", "18.2.x": "", "18.2.0.1": "", "\x1b[2J": "",
	} {
		if got := canonical(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}
