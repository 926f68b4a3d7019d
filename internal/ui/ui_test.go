package ui_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/ui"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ in, want string }{
		"plain":            {"token expired or not found", "token expired or not found"},
		"escape sequence":  {"a\x1b[2J\x1b[31mred\x1b[0m", "ared"},
		"title sequence":   {"\x1b]0;owned\x07name", "name"},
		"line breaks":      {"first\r\n\tsecond", "first second"},
		"bidi override":    {"safe\u202egnp.exe", "safe gnp.exe"},
		"zero width":       {"ad\u200bmin", "ad min"},
		"other alphabets":  {"Größe 名前", "Größe 名前"},
		"lone escape byte": {"a\x1b", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ui.Clean(row.in); got != row.want {
				t.Errorf("Clean(%q) = %q, want %q", row.in, got, row.want)
			}
		})
	}
}

func TestStyleWithoutColourIsPlainText(t *testing.T) {
	t.Parallel()
	style := ui.NewStyle(&bytes.Buffer{}, false, false)
	got := style.Good("a") + style.Bad("b") + style.Bold("c") + style.Dim("d") + style.Symbol(ui.SymbolPass) + style.Symbol(ui.SymbolFail)
	if got != "abcd+x" {
		t.Errorf("got %q, want text without escape sequences and ASCII signs", got)
	}
}

func TestStyleWithColour(t *testing.T) {
	t.Parallel()
	style := ui.NewStyle(&bytes.Buffer{}, true, true)
	if got := style.Symbol(ui.SymbolPass); !strings.Contains(got, "\x1b[32m") || !strings.Contains(got, "✓") {
		t.Errorf("got %q, want a green tick", got)
	}
}

func TestSystemHonoursNoColor(t *testing.T) {
	t.Parallel()
	env := map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1", "LANG": "C.UTF-8"}
	streams := ui.System(func(key string) string { return env[key] })
	if streams.Color || streams.OutColor {
		t.Error("NO_COLOR is set and colour is on")
	}
	if !streams.Unicode {
		t.Error("the locale is UTF-8 and symbols are off")
	}
}

func TestWrapIndentsFurtherLines(t *testing.T) {
	t.Parallel()
	got := ui.Wrap("one two three four five six", 20, "    ")
	if got != "one two three four\n    five six" {
		t.Errorf("got %q", got)
	}
}
