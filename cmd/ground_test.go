package cmd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestFilesNowhere holds that a place where no file can be is said before anything is asked of a cluster.
func TestFilesNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	complete := []string{"init", "--non-interactive", "--yes", "--context", "c", "--namespace", "n", "--proxy", "example.com:443", "--roles", "access"}
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"a file for a folder":           {[]string{"--out-dir", dir + "/file"}, "--out-dir: " + dir + "/file is a file and not a folder"},
		"a folder in none":              {[]string{"--out-dir", dir + "/absent/out"}, "there is no folder " + dir + "/absent"},
		"a folder below a file":         {[]string{"--out-dir", dir + "/file/out"}, "not a directory"},
		"no name":                       {[]string{"--out-dir", ""}, "--out-dir: no folder is named"},
		"overwriting nothing":           {[]string{"--overwrite"}, "--overwrite goes with --out-dir"},
		"answers to a folder":           {[]string{"--save", dir}, "--save: " + dir + " is a folder and not a file"},
		"answers to no folder":          {[]string{"--save", dir + "/absent/answers.yaml"}, "there is no folder " + dir + "/absent"},
		"answers to a link":             {[]string{"--save", dir + "/link"}, "is a symbolic link and not a file"},
		"answers to what is no file":    {[]string{"--save", os.DevNull}, "is no regular file"},
		"answers nowhere, beside files": {[]string{"--out-dir", dir + "/new", "--save", dir + "/file/answers.yaml"}, "--save: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runWith(t, noClusters(t), "", slices.Concat(complete, row.args)...)
			got.want(t, 2, row.want)
		})
	}
	if found := files(t, dir); len(found) != 2 {
		t.Errorf("the folder holds %q", found)
	}
}

// TestFilesAmongOthers holds that links and folders in the place of files are refused, and not followed.
func TestFilesAmongOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	dir, elsewhere := b.path("out"), b.path("elsewhere")
	for _, folder := range []string{dir, elsewhere, dir + "/kubernetes", dir + "/kubernetes/config.yaml"} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"out/teleport": elsewhere, "out/kubernetes/rbac.yaml": b.path("victim")} {
		if err := os.Symlink(target, b.path(link)); err != nil {
			t.Fatal(err)
		}
	}
	b.write(t, "victim", []byte("mine\n"))
	b.run(t, b.filesArgs(dir, "--overwrite")...).want(t, 3,
		dir+"/kubernetes/rbac.yaml is a symbolic link", dir+"/kubernetes/config.yaml is a folder", dir+"/teleport is a symbolic link and not a folder", "nothing was written")
	if found := files(t, elsewhere); len(found) > 0 || b.read(t, b.path("victim")) != "mine\n" {
		t.Errorf("a link was followed: %q, %q", found, b.read(t, b.path("victim")))
	}
	if _, err := os.Lstat(dir + "/kubernetes/deployment.yaml"); !os.IsNotExist(err) {
		t.Errorf("a file was written: %v", err)
	}
}

// full is a disk with room for so many pages, and with what is on it.
func full(t *testing.T, options string, content map[string]string) string {
	t.Helper()
	disk := testkit.Disk(t, options)
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(disk, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return disk
}

// untouched fails the test where a disk holds anything else than before.
func untouched(t *testing.T, disk string, content map[string]string) {
	t.Helper()
	found := files(t, disk)
	for name, text := range content {
		if found[name] != text {
			t.Errorf("%s is another now", name)
		}
		delete(found, name)
	}
	for name, text := range found {
		t.Errorf("%s is left with %d bytes", name, len(text))
	}
}

// TestDiskIsFull holds, on disks that are really full, that it is said which file did not fit, that what was applied stands, and
// that no half of anything is left.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	mine := map[string]string{"answers.yaml": "mine\n"}
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
		disk := full(t, "size=4k", mine)
		got := b.run(t, b.initArgs("--no-wait", "-o", "json", "--save", disk+"/answers.yaml")...)
		got.want(t, 1, "--save: ", disk+"/answers.yaml: no space left on device; the answers are not kept, what was applied stands", "Deployment "+b.namespace+"/tbot: created")
		if document := got.document(t); document.Proof.Status != "proven" || !strings.Contains(document.Error, "no space left on device") {
			t.Errorf("document %+v", document)
		}
		untouched(t, disk, mine)
		// For a person the result is shown all the same, and the setup is whole.
		b.run(t, b.initArgs("--no-wait", "--save", disk+"/answers.yaml")...).want(t, 1, "Join token:", "no space left on device; the answers are not kept")
		b.run(t, b.initArgs("--no-wait")...).want(t, 0)
	})
	for name, options := range map[string]string{"files": "size=8k", "files that replace": "size=20k", "folders": "size=64k,nr_inodes=2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			disk := full(t, options, nil)
			dir := disk
			if name == "files that replace" {
				b.run(t, b.filesArgs(dir)...).want(t, 0)
			}
			before := files(t, disk)
			got := b.run(t, b.filesArgs(dir, "--overwrite", "--name", "another")...)
			got.want(t, 1, "--out-dir: ", ".yaml: no space left on device; no file was written, and nothing was applied")
			untouched(t, disk, before)
			if entries, err := os.ReadDir(disk); err != nil || len(before) == 0 && len(entries) > 0 {
				t.Errorf("left %v, %v", entries, err)
			}
			b.nothingWritten(t)
		})
	}
}

// TestDiskIsFullWithoutALogin holds the same for the file that a run without a login leaves.
func TestDiskIsFullWithoutALogin(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	disk := full(t, "size=4k", map[string]string{"mine": "mine\n"})
	t.Chdir(disk)
	b.loggedOut(t, t.TempDir()).want(t, 4, "the file for the Teleport side could not be written", "teleport/resources.yaml: no space left on device")
	untouched(t, disk, map[string]string{"mine": "mine\n"})
	if entries, err := os.ReadDir(disk); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
	b.nothingWritten(t)
}

// TestDiskIsReadOnly holds that a disk that takes nothing is said as what it is.
func TestDiskIsReadOnly(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	disk := full(t, "size=8k,ro", nil)
	b.run(t, b.filesArgs(disk+"/out")...).want(t, 1, "--out-dir: ", disk+"/out: read-only file system")
	b.run(t, b.filesArgs(disk)...).want(t, 1, disk+"/kubernetes/rbac.yaml: read-only file system; no file was written")
	b.nothingWritten(t)
	b.run(t, b.initArgs("--no-wait", "--save", disk+"/answers.yaml")...).want(t, 1, disk+"/answers.yaml: read-only file system; the answers are not kept, what was applied stands")
}
