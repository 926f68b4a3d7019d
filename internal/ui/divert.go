package ui

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// DivertStderr sends what others write to the process's stderr to w, line by line and cleaned, until restore is called. Credential
// plugins of client-go write there, such as the address and the code of a login in a browser, and would write over a screen; what
// they write is foreign text. Whoever holds the file itself, as Streams do, still writes to the terminal. Where there is no pipe to
// be had everything stays as it is.
func DivertStderr(w io.Writer) (restore func()) {
	read, write, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	before := os.Stderr
	os.Stderr = write
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if text := Clean(lines.Text()); text != "" {
				_, _ = fmt.Fprintln(w, "  "+text)
			}
		}
		// A line that is too long for a scanner ends it; the rest must not block its writer.
		_, _ = io.Copy(io.Discard, read)
	}()
	return func() {
		os.Stderr = before
		_ = write.Close()
		// A plugin that still runs holds the pipe open; nobody waits for it.
		select {
		case <-done:
			_ = read.Close()
		default:
		}
	}
}
