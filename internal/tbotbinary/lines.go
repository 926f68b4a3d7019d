package tbotbinary

import (
	"bytes"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// maxLine bounds one line of what tbot says; what is beyond it is left out.
const maxLine = 64 << 10

// lines hands over what is written to it line by line. It is what os/exec writes both of a program's streams to, one after another.
type lines struct {
	each func(string)
	// hidden is blotted out, whoever wrote it.
	hidden spec.Secret
	rest   []byte
}

// Write implements io.Writer and never fails.
func (l *lines) Write(data []byte) (int, error) {
	taken := len(data)
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			l.keep(data)
			return taken, nil
		}
		l.keep(data[:end])
		l.end()
		data = data[end+1:]
	}
}

func (l *lines) keep(data []byte) {
	l.rest = append(l.rest, data[:min(len(data), maxLine-len(l.rest))]...)
}

// end finishes a line that has no end of its own.
func (l *lines) end() {
	text := strings.TrimSuffix(string(l.rest), "\r")
	l.rest = l.rest[:0]
	if !l.hidden.Empty() {
		text = strings.ReplaceAll(text, l.hidden.Reveal(), l.hidden.String())
	}
	l.each(text)
}
