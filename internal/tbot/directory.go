package tbot

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// symlinksSecure is the rule of a directory that no part of its path may be a link (teleport-facts 6.6). The others, try-secure and
// insecure, follow links on the way to the directory. Inside of it this package is stricter than tbot: it replaces a link that stands
// where a file belongs and never writes through one, whatever the rule. ACLs are left as they are.
const symlinksSecure = "secure"

// writeDirectory replaces each file as a whole, so that a reader sees the old or the new one and never half of it. Nothing that
// is in the way is written through: not a link, and not a file that somebody else may read.
func writeDirectory(to tbotconfig.Destination, files map[string][]byte) error {
	if to.Symlinks == symlinksSecure {
		if err := withoutLinks(to.Path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(to.Path, 0o700); err != nil {
		return fmt.Errorf("making the destination: %w", err)
	}
	root, err := os.OpenRoot(to.Path)
	if err != nil {
		return fmt.Errorf("opening the destination: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := replaceFile(root, name, files[name]); err != nil {
			return errors.Join(fmt.Errorf("writing %s: %w", filepath.Join(to.Path, name), err), root.Close())
		}
	}
	return root.Close()
}

// withoutLinks makes sure that what of a path is there is no link. Who may change the path while it is looked at can do worse than
// put a link there.
func withoutLinks(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("the destination: %w", err)
	}
	for at := absolute; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("the destination: %w", err)
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("the destination %s goes through the link %s, which `symlinks: secure` forbids", path, at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}

func replaceFile(root *os.Root, name string, data []byte) error {
	temporary := name + ".new"
	if err := root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return nil
}
