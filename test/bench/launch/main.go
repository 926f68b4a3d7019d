// Command launch runs a command and prints, as the last line on stderr, its wall time in nanoseconds and its peak memory in bytes.
// It is small on purpose: Linux counts what the parent held at the fork to the child's peak.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	command := exec.Command(os.Args[1], os.Args[2:]...) //nolint:noctx // it runs what it is given, to its end
	command.Stderr = os.Stderr
	begin := time.Now()
	err := command.Run()
	wall := time.Since(begin)
	memory := int64(0)
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = usage.Maxrss * 1024
	}
	fmt.Fprintf(os.Stderr, "\n%d %d\n", wall.Nanoseconds(), memory)
	if err != nil {
		os.Exit(1)
	}
}
