package testkit

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Disk mounts a file system of its own (tmpfs) with these mount options, such as "size=8k" or "size=8k,ro", and returns the path to
// it. It stands in a mount and a user namespace that a child process holds open, and is reached through the child's root, so that
// it takes no root and no other process sees it. Where the kernel does not let anybody make namespaces, the test is skipped.
func Disk(tb testing.TB, options string) string {
	tb.Helper()
	place := tb.TempDir()
	// The child ends when its stdin does, and with it the namespace and the mount.
	script := `mount -t tmpfs -o "$1" none "$2" && echo mounted && exec cat`
	child := exec.CommandContext(tb.Context(), "/bin/sh", "-c", script, "sh", options, place)
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var stderr bytes.Buffer
	child.Stderr = &stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := child.Start(); err != nil {
		tb.Skipf("this kernel makes no namespaces for this user: %v", err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	end := func() error {
		_ = stdin.Close()
		return child.Wait()
	}
	if strings.TrimSpace(line) != "mounted" {
		err := end()
		tb.Skipf("nothing can be mounted in a namespace here: %v: %s", err, stderr.String())
	}
	tb.Cleanup(func() {
		// The test's context has ended by now and taken the child along.
		_ = end()
	})
	return filepath.Join(fmt.Sprintf("/proc/%d/root", child.Process.Pid), place)
}
