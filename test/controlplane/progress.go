package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// say writes a message for the user, who is not there when that fails.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// show runs work and reports it on w: one line that counts the seconds on a terminal; elsewhere, such as in
// a CI log, a line at the start, one every half minute and one at the end.
func show(w io.Writer, title string, work func() error) error {
	every, start, end := 30*time.Second, "", "\n"
	if isTerminal(w) {
		every, start, end = time.Second, "\r", " "
	}
	started := time.Now()
	elapsed := func() time.Duration { return time.Since(started).Round(time.Second) }
	report := func() { say(w, "%s%s ... %s%s", start, title, elapsed(), end) }

	done := make(chan error, 1)
	go func() { done <- work() }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	report()
	for {
		select {
		case <-tick.C:
			report()
		case err := <-done:
			result := "done"
			if err != nil {
				result = "failed"
			}
			say(w, "%s%s %s in %s\n", start, title, result, elapsed())
			return err
		}
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
