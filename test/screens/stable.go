package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/testkit/tty"
)

// quiet is how long a screen has to stay as it is to be taken: the program draws at most 60 times a second.
const quiet = 300 * time.Millisecond

// still waits for a screen on which all parts stand and that has come to rest.
func still(ctx context.Context, terminal *tty.Terminal, sees []string) (string, error) {
	for {
		if err := terminal.Wait(ctx, sees...); err != nil {
			return "", err
		}
		before := terminal.Screen()
		select {
		case <-time.After(quiet):
		case <-ctx.Done():
			return "", fmt.Errorf("waiting for %q to come to rest: %w", sees, ctx.Err())
		}
		if after := terminal.Screen(); stable(after) == stable(before) {
			return after, nil
		}
	}
}

// replaced is what differs from run to run, and what stands for it; each is as long as what it replaces, so that lines break where
// they do in the program.
func replaced() []struct{ from, to string } {
	return []struct{ from, to string }{
		{`tbot-[0-9a-f]{8}\b`, "tbot-5ab65390"},                                                                  // the cluster's digits
		{`"[A-Za-z0-9_-]{43}"`, `"cPGRnjtDxAJ4zzBjZn-lL-r5vMO2o-KoDWmMFzMIH5Y"`},                                 // a key's thumbprint (RFC 7638)
		{`\b1[12]h[0-9]{2}m`, "11h59m"},                                                                          // what is left of a login
		{`\([0-9]s\)`, "(5s)"},                                                                                   // how long something has taken
		{`[0-9]{2}:[0-9]{2}:[0-9]{2} UTC`, "09:41:07 UTC"}, {`\b2[0-9]{3}-[01][0-9]-[0-3][0-9]\b`, "2036-11-18"}, // times
		{`[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]`, "⠋"},
	}
}

// stable is a screen without what differs from run to run.
func stable(screen string) string {
	for _, r := range replaced() {
		screen = regexp.MustCompile(r.from).ReplaceAllString(screen, r.to)
	}
	return sortChecks(screen)
}

var (
	checkLine    = regexp.MustCompile(`^  \S TBC[0-9]{3} `)
	continuation = regexp.MustCompile(`^    \S`)
)

// sortChecks puts checks that stand one below the other in the order of their numbers: those that look at the same time end in any.
func sortChecks(screen string) string {
	var lines []string
	var checks []string
	flush := func() {
		slices.SortFunc(checks, func(a, b string) int { return strings.Compare(checkLine.FindString(a), checkLine.FindString(b)) })
		lines = append(lines, checks...)
		checks = nil
	}
	for _, line := range strings.Split(screen, "\n") {
		switch {
		case checkLine.MatchString(line):
			checks = append(checks, line)
		case len(checks) > 0 && continuation.MatchString(line):
			checks[len(checks)-1] += "\n" + line
		default:
			flush()
			lines = append(lines, line)
		}
	}
	flush()
	return strings.Join(lines, "\n")
}
