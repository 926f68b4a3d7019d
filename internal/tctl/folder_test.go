package tctl

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweep holds that the next run removes what a killed one left, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	temporary, now := t.TempDir(), time.Now()
	elsewhere := filepath.Join(t.TempDir(), "mine")
	folder := func(path string, mode fs.FileMode, age time.Duration, files ...string) string {
		if err := os.Mkdir(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := func(name string, mode fs.FileMode, age time.Duration, files ...string) string {
		return folder(filepath.Join(temporary, folderPrefix+name), mode, age, files...)
	}
	folder(elsewhere, 0o700, time.Hour, resourcesFile)
	link := filepath.Join(temporary, folderPrefix+"link")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	gone := []string{ours("old", 0o700, time.Hour, resourcesFile, authorityFile), ours("older", 0o700, 240*time.Hour)}
	kept := []string{
		ours("young", 0o700, time.Minute, resourcesFile), ours("open", 0o755, time.Hour, resourcesFile),
		ours("others", 0o700, time.Hour, "letter"), link, filepath.Join(elsewhere, resourcesFile),
		folder(filepath.Join(temporary, "tbotctl-tbot-1a2b3c4d"), 0o700, time.Hour, resourcesFile),
	}
	sweep(temporary, now.Add(-leftAfter))
	for _, path := range gone {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	for _, path := range kept {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(kept[0], resourcesFile)); err != nil {
		t.Error(err)
	}
}
