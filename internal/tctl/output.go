package tctl

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tailSize is how much of what tctl said is kept for an error's text.
const tailSize = 500

// output passes on what tctl says as it comes, for a person waits for the word to touch the key, without control and invisible
// formatting characters: what a server put into a message reaches no terminal as a command.
type output struct {
	to io.Writer
	// rest is the beginning of a character that came in two pieces.
	rest []byte
	tail []byte
	// open tells that the last line has no end yet.
	open bool
}

// Write implements io.Writer. That the words cannot be shown is no reason to break off tctl.
func (o *output) Write(data []byte) (int, error) {
	text := append(o.rest, data...)
	o.rest = nil
	if cut := unfinished(text); cut > 0 {
		o.rest = append([]byte(nil), text[len(text)-cut:]...)
		text = text[:len(text)-cut]
	}
	o.say(strings.Map(printable, string(text)))
	return len(data), nil
}

// end finishes the last line.
func (o *output) end() {
	o.rest = nil
	if o.open {
		o.say("\n")
	}
}

func (o *output) say(text string) {
	if text == "" {
		return
	}
	o.open = !strings.HasSuffix(text, "\n")
	o.tail = append(o.tail, text...)
	if surplus := len(o.tail) - tailSize; surplus > 0 {
		o.tail = o.tail[surplus:]
	}
	_, _ = io.WriteString(o.to, text)
}

// reason is what tctl said last: from its ERROR on, where there is one (its main prints that word), else the last line.
func (o *output) reason() string {
	said := strings.TrimSpace(string(o.tail))
	start := strings.LastIndex(said, "ERROR")
	if start < 0 {
		start = strings.LastIndexByte(said, '\n') + 1
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(said[start:], "")), " ")
}

func printable(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
		return -1
	}
	return r
}

// unfinished counts the bytes at the end that begin a character and do not finish it.
func unfinished(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(text)); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
