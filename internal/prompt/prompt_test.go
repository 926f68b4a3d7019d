package prompt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
)

func TestConfirm(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in   string
		want bool
		err  error
	}{
		"yes":                    {"y\n", true, nil},
		"the word":               {"YES\n", true, nil},
		"an empty line is no":    {"\n", false, nil},
		"no":                     {"n\n", false, nil},
		"asked again":            {"maybe\ny\n", true, nil},
		"end of input":           {"", false, prompt.ErrCancelled},
		"end of input in a line": {"y", false, prompt.ErrCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got, err := prompt.NewLine(strings.NewReader(row.in), &out).Confirm(t.Context(), "Apply this plan?")
			if got != row.want || !errors.Is(err, row.err) {
				t.Errorf("got %v, %v; want %v, %v", got, err, row.want, row.err)
			}
			if !strings.HasPrefix(out.String(), "Apply this plan? [y/N] ") {
				t.Errorf("asked %q", out.String())
			}
		})
	}
}

func TestConfirmEndsWithItsContext(t *testing.T) {
	t.Parallel()
	never, _ := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := prompt.NewLine(never, io.Discard).Confirm(ctx, "Apply?"); !errors.Is(err, prompt.ErrCancelled) {
		t.Errorf("got %v, want ErrCancelled", err)
	}
}
