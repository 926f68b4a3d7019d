package files

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// writer writes once. What it made is kept, so that it can be taken back.
type writer struct {
	dir     string
	options Options
	// root keeps every path below dir, also where somebody swaps a folder for a link meanwhile.
	root *os.Root
	// madeDir tells that dir itself is ours; folders and temporary are below it, in the order of their making.
	madeDir            bool
	folders, temporary []string
	// committed are the files that stand at their places already.
	committed []*step
}

// step is one file on its way.
type step struct {
	path   string
	data   []byte
	action Action
	// next is the new content beside its place; kept the old one, where there is one to go back to.
	next, kept string
	mode       fs.FileMode
}

// all compares and writes, or takes back what it wrote.
func (w *writer) all(all []File) ([]*step, error) {
	if err := w.open(); err != nil {
		return nil, err
	}
	steps, err := w.compare(all)
	if err != nil {
		return nil, err
	}
	if err := w.carryOut(steps); err != nil {
		return nil, errors.Join(err, w.rollBack())
	}
	return steps, w.forget()
}

func (w *writer) open() error {
	err := os.Mkdir(w.dir, w.options.folderMode())
	w.madeDir = err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	w.root, err = os.OpenRoot(w.dir)
	return err
}

// compare looks at every place before anything is written.
func (w *writer) compare(all []File) ([]*step, error) {
	var (
		steps []*step
		found InTheWay
	)
	for _, file := range all {
		name := path.Clean(file.Path)
		s := &step{path: name, data: file.Data, action: Created, mode: w.options.fileMode()}
		steps = append(steps, s)
		if blocked, err := w.blocked(name); err != nil {
			return nil, err
		} else if blocked != "" {
			if !slices.Contains(found.Blocked, blocked) {
				found.Blocked = append(found.Blocked, blocked)
			}
			continue
		}
		info, err := w.root.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, w.failed(name, err)
		case !info.Mode().IsRegular():
			found.Blocked = append(found.Blocked, w.shown(name)+" is "+kind(info.Mode()))
			continue
		}
		same, err := w.holds(name, info, file.Data)
		switch {
		case err != nil:
			return nil, w.failed(name, err)
		case same:
			s.action = Same
		case w.options.Overwrite:
			s.action, s.mode = Replaced, info.Mode().Perm()
		default:
			found.Differ = append(found.Differ, w.shown(name))
		}
	}
	if len(found.Differ)+len(found.Blocked) > 0 {
		return nil, &found
	}
	return steps, nil
}

// blocked says which folder on the way to a file is none.
func (w *writer) blocked(name string) (string, error) {
	for _, folder := range folders(name) {
		info, err := w.root.Lstat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil
		case err != nil:
			return "", w.failed(folder, err)
		case !info.IsDir():
			what := "a file"
			if !info.Mode().IsRegular() {
				what = kind(info.Mode())
			}
			return w.shown(folder) + " is " + what + " and not a folder", nil
		}
	}
	return "", nil
}

// folders are those on the way to a file, outermost first.
func folders(name string) []string {
	var all []string
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		all = append([]string{folder}, all...)
	}
	return all
}

// holds compares without reading what cannot be the same.
func (w *writer) holds(name string, info fs.FileInfo, data []byte) (bool, error) {
	if info.Size() != int64(len(data)) {
		return false, nil
	}
	held, err := w.root.ReadFile(name)
	return bytes.Equal(held, data), err
}

// carryOut writes all contents beside their places first, where a full disk shows, and then puts them there.
func (w *writer) carryOut(steps []*step) error {
	for _, s := range steps {
		if s.action == Same {
			continue
		}
		if err := w.prepare(s); err != nil {
			return w.failed(s.path, err)
		}
	}
	for _, s := range steps {
		if s.action == Same {
			continue
		}
		if err := w.root.Rename(s.next, s.path); err != nil {
			return w.failed(s.path, err)
		}
		w.committed = append(w.committed, s)
	}
	return nil
}

// forget removes the old contents once all the new ones stand.
func (w *writer) forget() error {
	var all []error
	for _, s := range w.committed {
		if s.kept != "" {
			all = append(all, w.root.Remove(s.kept))
		}
	}
	return errors.Join(all...)
}

// prepare writes the new content, and, where it replaces another, a copy of that: to go back then needs no room on the disk.
func (w *writer) prepare(s *step) (err error) {
	for _, folder := range folders(s.path) {
		err := w.root.Mkdir(folder, w.options.folderMode())
		if err == nil {
			w.folders = append(w.folders, folder)
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if s.action == Replaced {
		held, err := w.root.ReadFile(s.path)
		if err != nil {
			return err
		}
		if s.kept, err = w.beside(s, held); err != nil {
			return err
		}
	}
	s.next, err = w.beside(s, s.data)
	return err
}

// beside writes a new file next to where a step's will stand.
func (w *writer) beside(s *step, data []byte) (name string, err error) {
	name = path.Join(path.Dir(s.path), "."+path.Base(s.path)+"."+strings.ToLower(rand.Text()[:8]))
	file, err := w.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, s.mode)
	if err != nil {
		return "", err
	}
	w.temporary = append(w.temporary, name)
	if s.action == Replaced {
		// The mode of what stood there is kept, whatever the umask.
		err = file.Chmod(s.mode)
	}
	if err == nil {
		_, err = file.Write(data)
	}
	if err == nil {
		// Some file systems find only here that there is no room.
		err = file.Sync()
	}
	return name, errors.Join(err, file.Close())
}

// rollBack takes back whatever was made, but for dir itself, which is still open.
func (w *writer) rollBack() error {
	var all []error
	for _, s := range w.committed {
		if s.kept != "" {
			all = append(all, w.root.Rename(s.kept, s.path))
		} else {
			all = append(all, w.root.Remove(s.path))
		}
	}
	for _, name := range w.temporary {
		if err := w.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			all = append(all, err)
		}
	}
	for _, folder := range slices.Backward(w.folders) {
		all = append(all, w.root.Remove(folder))
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("what was written before could not be taken back: %w", err)
	}
	return nil
}

// close ends the work; after a failure a folder that is ours goes too.
func (w *writer) close(failed bool) error {
	var all []error
	if w.root != nil {
		all = append(all, w.root.Close())
	}
	if failed && w.madeDir {
		all = append(all, os.Remove(w.dir))
	}
	return errors.Join(all...)
}

// shown is a path as a person at the working directory would write it.
func (w *writer) shown(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

// failed names the file at its place: the one beside it is nobody's business.
func (w *writer) failed(name string, err error) error {
	var (
		onPath *fs.PathError
		onLink *os.LinkError
	)
	switch {
	case errors.As(err, &onPath):
		err = onPath.Err
	case errors.As(err, &onLink):
		err = onLink.Err
	}
	return &fs.PathError{Op: "writing", Path: w.shown(name), Err: err}
}
