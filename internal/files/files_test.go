package files_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/files"
)

func two() []files.File {
	return []files.File{{Path: "kubernetes/a.yaml", Data: []byte("a: 1\n")}, {Path: "teleport/b.yaml", Data: []byte("b: 2\n")}}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	written := map[string]string{"kubernetes": "/", "kubernetes/a.yaml": "a: 1\n", "teleport": "/", "teleport/b.yaml": "b: 2\n"}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(written)
		maps.Copy(all, more)
		return all
	}
	const created, replaced, same = files.Created, files.Replaced, files.Same
	for name, row := range map[string]struct {
		before, after map[string]string
		overwrite     bool
		actions       []files.Action
	}{
		"an empty folder":        {nil, written, false, []files.Action{created, created}},
		"others' files stay":     {map[string]string{"kubernetes/mine": "x", "README": "y"}, with(map[string]string{"kubernetes/mine": "x", "README": "y"}), false, []files.Action{created, created}},
		"the same is left":       {map[string]string{"kubernetes/a.yaml": "a: 1\n"}, written, false, []files.Action{same, created}},
		"a difference, replaced": {map[string]string{"kubernetes/a.yaml": "a: 7\n", "teleport/b.yaml": "b: 2\n"}, written, true, []files.Action{replaced, same}},
		"longer, replaced":       {map[string]string{"kubernetes/a.yaml": strings.Repeat("a", 1<<16), "teleport/b.yaml": "short"}, written, true, []files.Action{replaced, replaced}},
		"a link beside":          {map[string]string{"link": "-> /etc"}, with(map[string]string{"link": "-> /etc"}), false, []files.Action{created, created}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			plant(t, dir, row.before)
			done, err := files.Write(dir, two(), files.Options{Overwrite: row.overwrite})
			if err != nil {
				t.Fatal(err)
			}
			want := []files.Done{{Path: filepath.Join(dir, "kubernetes/a.yaml"), Action: row.actions[0]}, {Path: filepath.Join(dir, "teleport/b.yaml"), Action: row.actions[1]}}
			if !slices.Equal(done, want) {
				t.Errorf("done %v, want %v", done, want)
			}
			if got := tree(t, dir); !maps.Equal(got, row.after) {
				t.Errorf("the folder holds %q, want %q", got, row.after)
			}
		})
	}
}

// TestInTheWay holds that everything in the way is found before anything is written, and named.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		before          map[string]string
		overwrite       bool
		differ, blocked []string
	}{
		"both differ":           {map[string]string{"kubernetes/a.yaml": "mine", "teleport/b.yaml": "b: 3\n"}, false, []string{"kubernetes/a.yaml", "teleport/b.yaml"}, nil},
		"the second differs":    {map[string]string{"teleport/b.yaml": ""}, false, []string{"teleport/b.yaml"}, nil},
		"a link as a file":      {map[string]string{"kubernetes": "/", "kubernetes/a.yaml": "-> ../elsewhere"}, true, nil, []string{"kubernetes/a.yaml is a symbolic link"}},
		"a link as a folder":    {map[string]string{"elsewhere": "/", "kubernetes": "-> elsewhere"}, true, nil, []string{"kubernetes is a symbolic link and not a folder"}},
		"a link out of it":      {map[string]string{"kubernetes": "-> /tmp"}, true, nil, []string{"kubernetes is a symbolic link and not a folder"}},
		"a folder as a file":    {map[string]string{"teleport/b.yaml": "/"}, true, nil, []string{"teleport/b.yaml is a folder"}},
		"a file as a folder":    {map[string]string{"teleport": "mine"}, true, nil, []string{"teleport is a file and not a folder"}},
		"a difference and more": {map[string]string{"kubernetes/a.yaml": "mine", "teleport": "mine"}, false, []string{"kubernetes/a.yaml"}, []string{"teleport is a file and not a folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			plant(t, dir, row.before)
			before := tree(t, dir)
			_, err := files.Write(dir, two(), files.Options{Overwrite: row.overwrite})
			var inTheWay *files.InTheWay
			if !errors.As(err, &inTheWay) {
				t.Fatalf("error %v, want what is in the way", err)
			}
			below := func(paths []string) []string {
				var all []string
				for _, path := range paths {
					all = append(all, dir+"/"+path)
				}
				return all
			}
			if !slices.Equal(inTheWay.Differ, below(row.differ)) || !slices.Equal(inTheWay.Blocked, below(row.blocked)) {
				t.Errorf("in the way are %q and %q, want %q and %q", inTheWay.Differ, inTheWay.Blocked, row.differ, row.blocked)
			}
			if got := tree(t, dir); !maps.Equal(got, before) {
				t.Errorf("the folder holds %q, want it as it was: %q", got, before)
			}
		})
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "private")
	if _, err := files.Write(dir, two(), files.Options{Private: true}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{"": fs.ModeDir | 0o700, "teleport": fs.ModeDir | 0o700, "teleport/b.yaml": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	// What stood there keeps its mode.
	path := filepath.Join(dir, "teleport/b.yaml")
	if err := os.WriteFile(path, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Write(dir, two(), files.Options{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o666 {
		t.Errorf("mode %v, %v; want 0666", info.Mode(), err)
	}
}

// TestFolder holds what is judged before anything is written.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plant(t, dir, map[string]string{"file": "x", "folder": "/", "dead": "-> nowhere", "link": "-> folder", "linked": "-> file"})
	for name, row := range map[string]struct {
		path, folder, replaceable string
	}{
		"a folder":                 {"folder", "", "is a folder and not a file"},
		"a file":                   {"file", "is a file and not a folder", ""},
		"nothing":                  {"new", "", ""},
		"nothing, with a slash":    {"new/", "", ""},
		"below nothing":            {"absent/new", "cannot be made: there is no folder " + dir + "/absent", "cannot be made: there is no folder " + dir + "/absent"},
		"below a file":             {"file/new", "cannot be used: not a directory", "cannot be used: not a directory"},
		"a link to a folder":       {"link", "", "is a symbolic link and not a file"},
		"a link to a file":         {"linked", "is a file and not a folder", "is a symbolic link and not a file"},
		"a link that leads no way": {"dead", "is a symbolic link that leads nowhere", "is a symbolic link and not a file"},
		"no file at all":           {"../../../../../../../../dev/null", "is a file and not a folder", "is no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dir + "/" + row.path
			for want, err := range map[string]error{"folder: " + row.folder: files.Folder(path), "file: " + row.replaceable: files.Replaceable(path)} {
				var wrong *files.NoFolder
				_, want, _ := strings.Cut(want, ": ")
				switch {
				case want == "" && err != nil:
					t.Error(err)
				case want != "" && (!errors.As(err, &wrong) || wrong.Path != path || !strings.HasPrefix(wrong.Is, want)):
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "answers.yaml")
	for _, text := range []string{"first", "second, which is longer", ""} {
		if err := files.Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir); !maps.Equal(got, map[string]string{"answers.yaml": text}) {
			t.Errorf("the folder holds %q, want %q alone", got, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}
