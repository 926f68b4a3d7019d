package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
)

// fileLock keeps builds of one cache folder apart, also those of different clones. The kernel drops it when
// its holder dies. (flock: Linux and macOS, like the programs built here.)
type fileLock struct{ file *os.File }

// acquire waits for the lock until ctx ends and says on stderr for whom it waits.
func acquire(ctx context.Context, path string, stderr io.Writer) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	started := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for waiting := false; ; waiting = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			if waiting {
				say(stderr, "the other build is over after %s\n", time.Since(started).Round(time.Second))
			}
			if err := note(file, strconv.Itoa(os.Getpid())); err != nil {
				_ = file.Close()
				return nil, err
			}
			return &fileLock{file}, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = file.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if !waiting {
			say(stderr, "another build is running (process %s), waiting for it\n", holder(path))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("waiting for another build: %w", context.Cause(ctx))
		}
	}
}

func (l *fileLock) release() {
	_ = l.file.Truncate(0)
	_ = l.file.Close() // drops the lock
}

// note writes the holder's process id into the file, for those who wait.
func note(file *os.File, text string) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	if _, err := file.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	return nil
}

func holder(path string) string {
	text, err := os.ReadFile(path)
	if text = bytes.TrimSpace(text); err != nil || len(text) == 0 {
		return "unknown"
	}
	return string(text)
}
