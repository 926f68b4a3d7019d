// Package bundle packs what doctor saw into one archive for somebody else, without the secrets in it. What goes into it is the
// caller's; what may not leave is decided here.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// folder is the one that everything is in, so that unpacking litters nothing.
const folder = "tbotctl-doctor/"

// Write writes a gzipped tar archive of the files, by their slash-separated names, each redacted: files that hold JSON or YAML by
// their fields, others as text, and a secret that one of them gives away in all of them. The same files and time give the same bytes.
func Write(w io.Writer, files map[string][]byte, at time.Time) error {
	redacted := redact(files)
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	for _, name := range slices.Sorted(maps.Keys(redacted)) {
		if !fs.ValidPath(name) || name == "." {
			return fmt.Errorf("packing %q: no name of a file", name)
		}
		data := redacted[name]
		header := &tar.Header{Name: folder + name, Mode: 0o600, Size: int64(len(data)), ModTime: at.UTC().Truncate(time.Second), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
		if _, err := archive.Write(data); err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	if err := compressed.Close(); err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	return nil
}

// JSON encodes an object for a file whose name ends in .json.
func JSON(object any) ([]byte, error) {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return encoded.Bytes(), nil
}
