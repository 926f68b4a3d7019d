package files_test

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// page is what the smallest file takes of a tmpfs.
const page = 4096

// many are files of a page each, more than the disk has room for.
func many() []files.File {
	var all []files.File
	for _, name := range []string{"kubernetes/a", "kubernetes/b", "teleport/c"} {
		all = append(all, files.File{Path: name, Data: []byte(strings.Repeat("x", page))})
	}
	return all
}

// TestFullDisk holds on a disk that is really full that nothing is left, and that what was there before stands, wherever the room
// ends.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options string
		before  map[string]string
		file    string
	}{
		"no room for the second": {"size=4k", nil, "kubernetes/b"},
		"no room for the third":  {"size=8k", nil, "teleport/c"},
		"no room to replace":     {"size=12k", map[string]string{"teleport/c": "mine\n", "mine": "too\n"}, "kubernetes/b"},
		"no room to keep":        {"size=16k", map[string]string{"teleport/c": "mine\n"}, "teleport/c"},
		"no room for a folder":   {"size=64k,nr_inodes=3", nil, "kubernetes/b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := testkit.Disk(t, row.options)
			plant(t, disk, row.before)
			before := tree(t, disk)
			_, err := files.Write(disk, many(), files.Options{Overwrite: true})
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), filepath.Join(disk, row.file)+": no space left on device") {
				t.Errorf("error %v, want that there is no room for %s", err, row.file)
			}
			if got := tree(t, disk); !maps.Equal(got, before) {
				t.Errorf("the disk holds %d files, want it as it was: %d", len(got), len(before))
			}
		})
	}
}

// TestReadOnlyDisk holds that a folder that cannot be written to is said, and that a folder of ours goes again.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	disk := testkit.Disk(t, "size=8k,ro")
	for _, dir := range []string{disk, filepath.Join(disk, "new")} {
		if _, err := files.Write(dir, two(), files.Options{}); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v, want that it is read-only", dir, err)
		}
	}
}
