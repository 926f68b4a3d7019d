package tctl

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestOutputIsSafe(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pieces []string
		want   string
	}{
		"plain":                  {[]string{"Tap any security key\n"}, "Tap any security key\n"},
		"without an end":         {[]string{"PIN: "}, "PIN: \n"},
		"nothing":                {nil, ""},
		"escape sequences":       {[]string{"\x1b[2J\x1b]0;title\x07x\n"}, "[2J]0;titlex\n"},
		"carriage return":        {[]string{"good\rbad\n"}, "goodbad\n"},
		"bidirectional override": {[]string{"a\u202eb\n"}, "ab\n"},
		"a character in pieces":  {[]string{"\xf0\x9f", "\x94\x91 key\n"}, "\U0001F511 key\n"},
		"half a character":       {[]string{"a\xf0\x9f"}, "a\n"},
		"no characters":          {[]string{"\xff\xfe\n"}, "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			o := &output{to: &got}
			for _, piece := range row.pieces {
				if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
					t.Fatalf("took %d bytes of %d: %v", n, len(piece), err)
				}
			}
			o.end()
			if got.String() != row.want {
				t.Errorf("got %q, want %q", got.String(), row.want)
			}
		})
	}
}

// FuzzOutput holds that no bytes, cut anywhere, reach a terminal as a command.
func FuzzOutput(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m \xf0\x9f\x94\x91"), 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		var got bytes.Buffer
		o := &output{to: &got}
		at := max(0, min(cut, len(data)))
		for _, piece := range [][]byte{data[:at], data[at:]} {
			if n, err := o.Write(piece); n != len(piece) || err != nil {
				t.Fatalf("took %d bytes of %d: %v", n, len(piece), err)
			}
		}
		o.end()
		text := got.String()
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }) {
			t.Errorf("%q came through as %q", data, text)
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			t.Errorf("%q has no end", text)
		}
	})
}
