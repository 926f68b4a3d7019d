package docgen

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// TestEveryRoomIsInTheTable: a folder with Go files has its row in docs/project-layout.md, so that one who looks for it finds what
// it owns.
func TestEveryRoomIsInTheTable(t *testing.T) {
	t.Parallel()
	tree := os.DirFS("../..")
	layout, err := fs.ReadFile(tree, "docs/project-layout.md")
	if err != nil {
		t.Fatal(err)
	}
	rooms := map[string]bool{}
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && leftOut(entry.Name()):
			return fs.SkipDir
		case path.Ext(name) == ".go":
			rooms[path.Dir(name)] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rooms) < 20 {
		t.Errorf("only %d rooms were found: this test looks in the wrong place", len(rooms))
	}
	for room := range rooms {
		if !strings.Contains(string(layout), "\n| ["+room+"](../"+room+") |") {
			t.Errorf("%s has no row in docs/project-layout.md", room)
		}
	}
}
