// Package hush keeps bubbletea from asking the terminal for its background colour as soon as the process starts. It owns nothing
// but that; its import is its effect.
//
// bubbletea v1 sends that question to standard output in its init and waits up to five seconds for the answer, for commands that
// draw no screen too (measured: 5.03 s for a program that prints one line on a terminal that does not answer, 0.02 s with this).
// termenv does not ask where CI is set, so CI is set until bubbletea has been initialised. This package is initialised before it
// because it needs os alone: Go takes packages in the order of their paths as soon as their imports are ready (Go specification,
// Program initialization), and bubbletea has to wait for os/signal, whose path comes after this one's. A test of package prompt
// holds it on a real terminal.
package hush

import "os"

const (
	name = "CI"
	// mark is our own value, by which End knows that nobody else has set it.
	mark = "tbotctl-start"
)

var _ = begin()

func begin() error {
	if _, given := os.LookupEnv(name); given {
		return nil
	}
	return os.Setenv(name, mark)
}

// End gives the variable back. Whoever imports bubbletea calls it while initialising, which is after bubbletea.
func End() error {
	if os.Getenv(name) != mark {
		return nil
	}
	return os.Unsetenv(name)
}
