//go:build !linux

package testkit

import "testing"

// Disk skips the test: only Linux lets everybody mount a file system of their own.
func Disk(tb testing.TB, _ string) string {
	tb.Helper()
	tb.Skip("a disk of one's own takes Linux's namespaces")
	return ""
}
