package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// memoryDir is a file system in memory on most Linux machines. etcd writes a lot and nothing of it is worth
// a disk. Containers often have but 64 MiB there, less than etcd's first log file.
const (
	memoryDir     = "/dev/shm"
	memoryNeeded  = 2 << 30 // bytes
	workDirPrefix = "tbotctl-testkit-"
)

// makeWorkDir makes the folder for all files of one control plane, readable by this user alone.
func makeWorkDir() (string, error) {
	base := os.TempDir()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &fs); err == nil && float64(fs.Bavail)*float64(fs.Bsize) >= memoryNeeded {
		base = memoryDir
	}
	dir, err := os.MkdirTemp(base, workDirPrefix)
	if err != nil {
		return "", fmt.Errorf("making a folder for the control plane: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("making a folder for the control plane: %w", err)
	}
	for _, sub := range []string{"etcd", "pki", "logs", "kubeconfig"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return "", fmt.Errorf("making a folder for the control plane: %w", err)
		}
	}
	return dir, nil
}
