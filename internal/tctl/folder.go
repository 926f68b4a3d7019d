package tctl

import (
	"os"
	"path/filepath"
	"time"
)

// What a folder for tctl holds.
const (
	folderPrefix  = "tbotctl-for-tctl-"
	resourcesFile = "resources.yaml"
	authorityFile = "proxy-ca.pem"
)

// leftAfter is how old a folder has to be to be taken for left behind by a run that was killed: tctl reads its files as it starts,
// before it asks for a touch.
const leftAfter = 10 * time.Minute

// makeFolder makes a private folder for what tctl reads, and sweeps those that killed runs have left.
func makeFolder() (string, error) {
	sweep(os.TempDir(), time.Now().Add(-leftAfter))
	return os.MkdirTemp("", folderPrefix)
}

// sweep removes the folders of earlier runs that are older than before. A folder with anything else in it stays, as does one that
// cannot be removed: it may be another user's, and stands in nobody's way.
func sweep(temporary string, before time.Time) {
	found, err := filepath.Glob(filepath.Join(temporary, folderPrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range found {
		sweepOne(folder, before)
	}
}

// sweepOne goes through the open folder, so that a link in its place leads nowhere.
func sweepOne(folder string, before time.Time) {
	info, err := os.Lstat(folder)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || info.ModTime().After(before) {
		return
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return
	}
	opened, err := root.Stat(".")
	if err == nil && os.SameFile(info, opened) {
		_ = root.Remove(resourcesFile)
		_ = root.Remove(authorityFile)
	}
	_ = root.Close()
	_ = os.Remove(folder) // only where it is empty
}
