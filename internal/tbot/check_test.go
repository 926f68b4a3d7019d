package tbot

import (
	"testing"
	"time"
)

// A certificate may end earlier than asked, but for a minute never later; and it carries the roles that were asked for.
func TestCertificateIsHeldToWhatWasAsked(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	for after, fails := range map[time.Duration]bool{-time.Hour: false, 0: false, 59 * time.Second: false, 61 * time.Second: true, 24 * time.Hour: true} {
		if err := (&Identity{User: "bot-a", NotAfter: end.Add(after)}).keeps(end); (err != nil) != fails {
			t.Errorf("%v after the end: %v", after, err)
		}
	}
	late := (&Identity{User: "bot-a", NotAfter: end.Add(time.Hour)}).keeps(end)
	if want := "the certificate of bot-a ends 2026-11-21T13:00:00Z, later than 2026-11-21T12:00:00Z, which was asked for"; late.Error() != want {
		t.Errorf("it says %q", late)
	}
	for _, row := range []struct {
		got, want []string
		fails     bool
	}{
		{[]string{"a", "b"}, []string{"b", "a"}, false},
		{[]string{"a", "a"}, []string{"a"}, false},
		{nil, nil, false},
		{[]string{"a"}, []string{"a", "b"}, true},
		{[]string{"a", "editor"}, []string{"a"}, true},
	} {
		if err := (&Identity{Roles: row.got}).actsAs(row.want); (err != nil) != row.fails {
			t.Errorf("%v for %v: %v", row.got, row.want, err)
		}
	}
}

// Names of clusters come from outside and become names of files.
func TestClusterNameAsFile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"lab.example.com": true, "..": false, "../x": false, "a/b": false, "/etc": false, "": false, ".": false} {
		if got := local(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// A word of a ProxyCommand reaches tbot as it is, past OpenSSH's percent signs and the shell.
func TestProxyWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"/opt/machine-id": "'/opt/machine-id'", "it's": `'it'"'"'s'`, "100%": "'100%%'", "a b;c": "'a b;c'",
	} {
		if got := proxyWord(word); got != want {
			t.Errorf("%s becomes %s, want %s", word, got, want)
		}
	}
}
