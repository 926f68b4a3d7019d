// Package files writes a run's files: all of them or none, each as a whole, and never over what somebody else put there unless
// that was asked for. What stands in them, and what a person is told about it, is its callers' business.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// File is one file to write.
type File struct {
	// Path is relative to the folder that is written to, with forward slashes.
	Path string
	Data []byte
}

// Options say how; the zero value overwrites nothing and makes what everybody may read.
type Options struct {
	// Overwrite replaces files that hold something else.
	Overwrite bool
	// Private makes new files and folders their owner's alone (0600 and 0700 instead of 0644 and 0755).
	Private bool
}

func (o Options) fileMode() fs.FileMode {
	if o.Private {
		return 0o600
	}
	return 0o644
}

func (o Options) folderMode() fs.FileMode {
	if o.Private {
		return 0o700
	}
	return 0o755
}

// Action is what became of one file.
type Action string

// The actions; Same was left alone, for it held what it should.
const (
	Created  Action = "created"
	Replaced Action = "replaced"
	Same     Action = "same"
)

// Done is one file with what became of it. Path leads to it from the working directory.
type Done struct {
	Path   string
	Action Action
}

// InTheWay is what stands where files should go; nothing was written. The paths lead there from the working directory.
type InTheWay struct {
	// Differ hold something else than they should.
	Differ []string
	// Blocked are no regular files, or no folders where there should be one, each with what it is.
	Blocked []string
}

func (e *InTheWay) Error() string {
	var parts []string
	if len(e.Differ) > 0 {
		parts = append(parts, strings.Join(e.Differ, ", ")+": there already, with another content")
	}
	return strings.Join(append(parts, e.Blocked...), "; ")
}

// Write puts the files below dir, which is made where it is not there; its parent has to be. All are compared with what is there
// before the first is written, and other files in the folder are left alone. Symbolic links below dir are refused, never followed.
// Where one file cannot be written, the error names it, and everything is again as it was. Errors: *InTheWay, *NoFolder, and those
// of the file system.
func Write(dir string, all []File, o Options) (done []Done, err error) {
	if err := Folder(dir); err != nil {
		return nil, err
	}
	w := &writer{dir: dir, options: o}
	steps, err := w.all(all)
	if err = errors.Join(err, w.close(err != nil)); err != nil {
		return nil, err
	}
	for _, s := range steps {
		done = append(done, Done{Path: w.shown(s.path), Action: s.action})
	}
	return done, nil
}

// Replace writes one file as a whole, its owner's alone, over whatever regular file is there.
func Replace(path string, data []byte) error {
	if err := Replaceable(path); err != nil {
		return err
	}
	_, err := Write(filepath.Dir(path), []File{{Path: filepath.Base(path), Data: data}}, Options{Overwrite: true, Private: true})
	return err
}

// NoFolder means that a path cannot be written to whatever the disk says: its folder is not there, or something else than what is
// wanted stands at its place.
type NoFolder struct {
	Path string
	// Is says what is wrong with it.
	Is string
}

func (e *NoFolder) Error() string { return e.Path + " " + e.Is }

// Folder judges, without writing, whether Write can use dir: it is a folder, or can be made in one. The error is *NoFolder.
func Folder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &NoFolder{dir, "is a file and not a folder"}
	case !errors.Is(err, fs.ErrNotExist):
		return &NoFolder{dir, "cannot be used: " + reason(err)}
	}
	if link, err := os.Lstat(dir); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		return &NoFolder{dir, "is a symbolic link that leads nowhere"}
	}
	return parent(dir)
}

// Replaceable judges, without writing, whether Replace can write to path: its folder is there, and at its place is a regular file or
// nothing. The error is *NoFolder.
func Replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode().IsRegular():
		return nil
	case err == nil:
		return &NoFolder{path, "is " + kind(info.Mode()) + " and not a file"}
	case !errors.Is(err, fs.ErrNotExist):
		return &NoFolder{path, "cannot be used: " + reason(err)}
	}
	return parent(path)
}

// parent judges the folder that path is in.
func parent(path string) error {
	folder := filepath.Dir(filepath.Clean(path))
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &NoFolder{path, "cannot be made: there is no folder " + folder}
	case err != nil:
		return &NoFolder{path, "cannot be made: " + reason(err)}
	case !info.IsDir():
		return &NoFolder{path, "cannot be made: " + folder + " is not a folder"}
	}
	return nil
}

// reason is a file system's word without the path, which stands beside it already.
func reason(err error) string {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}

// kind names what is no regular file.
func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a folder"
	}
	return fmt.Sprintf("no regular file (%s)", mode.Type())
}
