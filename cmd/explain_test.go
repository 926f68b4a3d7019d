package cmd_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
)

func TestExplainWorksOffline(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		args   []string
		code   int
		stdout []string
		stderr []string
		absent string
	}{
		"one":                  {[]string{"TBC403"}, 0, []string{"TBC403  ", "LOOKS AT", "WHY", "SHOWS AS   kubernetes token did not match any allow rules", "MEND", "SINCE", "P07", "docs/checks.md#tbc403"}, nil, "TBC404"},
		"in small letters":     {[]string{"tbc403"}, 0, []string{"TBC403  "}, nil, ""},
		"the number alone":     {[]string{"403"}, 0, []string{"TBC403  "}, nil, ""},
		"all":                  {nil, 0, []string{"kubernetes\n", "TBC101  ", "TBC403  ", "TBC901  "}, nil, "LOOKS AT"},
		"a known failure":      {[]string{"P07"}, 0, []string{"TBC403  "}, nil, "TBC101"},
		"one in small letters": {[]string{"p7"}, 0, []string{"TBC403  "}, nil, "TBC101"},
		"a category":           {[]string{"token"}, 0, []string{"TBC401  ", "TBC409  "}, nil, "TBC501"},
		"one that is not":      {[]string{"TBC999"}, 2, nil, []string{`there is no check "TBC999"`, "`tbotctl explain` lists them all"}, ""},
		"a swap":               {[]string{"TBC430"}, 2, nil, []string{"near it: ", "TBC403"}, ""},
		"a beginning":          {[]string{"TBC40"}, 2, nil, []string{"near it: ", "TBC401"}, ""},
		"no failure":           {[]string{"P43"}, 2, nil, []string{`"P43"`}, ""},
		"two":                  {[]string{"TBC403", "TBC404"}, 2, nil, []string{"one ID at a time"}, ""},
		"an escape sequence":   {[]string{"\x1b[2J"}, 2, nil, []string{`\x1b`}, "\x1b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, noClusters(t), "", append([]string{"explain"}, row.args...)...)
			got.want(t, row.code)
			for _, part := range row.stdout {
				if !strings.Contains(got.stdout, part) {
					t.Errorf("stdout lacks %q:\n%s", part, got.stdout)
				}
			}
			for _, part := range row.stderr {
				if !strings.Contains(got.stderr, part) {
					t.Errorf("stderr lacks %q:\n%s", part, got.stderr)
				}
			}
			if all := got.stdout + got.stderr; row.absent != "" && strings.Contains(all, row.absent) {
				t.Errorf("%q is there:\n%s", row.absent, all)
			}
			if row.code == 0 && got.stderr != "" || row.code != 0 && got.stdout != "" {
				t.Errorf("stdout %q, stderr %q", got.stdout, got.stderr)
			}
		})
	}
}

func TestExplainListsEveryCheck(t *testing.T) {
	t.Parallel()
	got := runWith(t, noClusters(t), "", "explain")
	got.want(t, 0)
	for _, check := range checks.Catalogue() {
		if strings.Count(got.stdout, "  "+string(check.ID)+"  ") != 1 {
			t.Errorf("%s is not listed once", check.ID)
		}
	}
	for line := range strings.Lines(got.stdout) {
		if len(line) > 81 {
			t.Errorf("longer than 80 columns: %q", line)
		}
	}
}
