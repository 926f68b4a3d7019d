package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/ui"
)

type fileJSON struct {
	Path string `json:"path"`
	// Action is created, replaced or same.
	Action string `json:"action"`
}

func filesJSON(all []files.Done) []fileJSON {
	var documents []fileJSON
	for _, file := range all {
		documents = append(documents, fileJSON{Path: file.Path, Action: string(file.Action)})
	}
	return documents
}

// FileTable writes what became of each file, in the place of a Table where nothing was applied.
func (i Init) FileTable(w io.Writer) error {
	var text strings.Builder
	for _, file := range i.Files {
		fmt.Fprintf(&text, "%s %s\n", ui.Pad(string(file.Action), len(files.Replaced)), ui.Clean(file.Path))
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// Command prints a line for somebody to paste: it is not wrapped, and changed only where it would not be safe to show.
func (p *Progress) Command(line string) {
	if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		line = ui.Clean(line)
	}
	p.line("  " + line)
}
