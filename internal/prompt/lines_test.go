package prompt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/ui"
)

// newLines answers from in; the wait for newer choices is over at once.
func newLines(in io.Reader) (*Lines, *bytes.Buffer) {
	var out bytes.Buffer
	l := NewLines(&ui.Streams{In: in, Err: &out, Width: 80}, NewLine(in, &out))
	over := make(chan time.Time)
	close(over)
	l.after = func(time.Duration) <-chan time.Time { return over }
	return l, &out
}

// threeFields is a form with a field of each kind; the answers are name, cluster and roles.
func threeFields() *Form {
	clusters := numbered(3)
	clusters[1].Refused = "not logged in"
	return &Form{Fields: []Field{
		{Key: "name", Title: "Name", Value: "tbot", Help: "What it is called.\n\nNames are short.", Validate: func(v string) error {
			if strings.Contains(v, "!") {
				return errors.New("no exclamation marks")
			}
			return nil
		}},
		{Key: "cluster", Title: "Cluster", Kind: One, Value: "c0", Choices: clusters},
		{Key: "roles", Title: "Roles", Kind: Many, Values: []string{"c2"}, Choices: numbered(3)},
	}}
}

func TestLines(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		in                   string
		back                 bool
		err                  error
		name, cluster, roles string
		says                 []string
	}{
		"all defaults":               {in: "\n\n\n", name: "tbot", cluster: "c0", roles: "c2", says: []string{"[tbot]: ", "1. cluster-0, v1.35.2 kind\n", "[1]: ", "[3]: ", "chosen"}},
		"typed":                      {in: "bot\n3\n1,cluster-1\n", name: "bot", cluster: "c2", roles: "c0,c1"},
		"emptied":                    {in: "\"\"\n\nnone\n", cluster: "c0"},
		"wrong answers come again":   {in: "a!\nb\n9\nx\n3\n1,5\n1\n", name: "b", cluster: "c2", roles: "c0", says: []string{"no exclamation marks", `"9" is none of them`, `"x" is none of them`, `"5" is none of them`}},
		"refused with its reason":    {in: "\n2\n\n\n", name: "tbot", cluster: "c0", roles: "c2", says: []string{"cannot be chosen: not logged in)", "cluster-1 cannot be chosen: not logged in\n"}},
		"help":                       {in: "?\n\n?\n\n\n", name: "tbot", cluster: "c0", roles: "c2", says: []string{"What it is called.\n\nNames are short.\n", "no more to say"}},
		"the field before":           {in: "one\n<\ntwo\n\n\n", name: "two", cluster: "c0", roles: "c2"},
		"the page before":            {in: "<\n", back: true, err: ErrBack, name: "tbot", cluster: "c0", roles: "c2"},
		"no page before":             {in: "<\n\n\n\n", name: "tbot", cluster: "c0", roles: "c2", says: []string{"none to go back to"}},
		"end of input":               {in: "one\n", err: ErrCancelled, name: "one", cluster: "c0", roles: "c2"},
		"end of input within a line": {in: "one\n3", err: ErrCancelled, name: "one", cluster: "c0", roles: "c2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, out := newLines(strings.NewReader(row.in))
			form := threeFields()
			form.Back = row.back
			if err := l.Ask(t.Context(), form); !errors.Is(err, row.err) {
				t.Fatalf("got %v, want %v", err, row.err)
			}
			f := form.Fields
			if f[0].Value != row.name || f[1].Value != row.cluster || strings.Join(f[2].Values, ",") != row.roles {
				t.Errorf("got %q, %q, %q; want %q, %q, %q", f[0].Value, f[1].Value, f[2].Values, row.name, row.cluster, row.roles)
			}
			for _, said := range row.says {
				if !strings.Contains(out.String(), said) {
					t.Errorf("%q is not said in\n%s", said, out)
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("an escape sequence is printed: %q", out)
			}
		})
	}
}

func TestLinesLongLists(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ in, want, says string }{
		"a number beyond what is printed": {"55\n", "c54", "These are 20 of 90"},
		"a whole name":                    {"cluster-77\n", "c77", "type a part of the name"},
		"narrowed to one":                 {"R-77\n\n", "c77", "78. cluster-77"},
		"narrowed to some":                {"er-4\n42\n", "c41", "42. cluster-41"},
		"nothing holds it":                {"nope\n1\n", "c0", `"nope" is none of them`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, out := newLines(strings.NewReader(row.in))
			form := &Form{Fields: []Field{{Key: "a", Title: "Cluster", Kind: One, Choices: numbered(90)}}}
			if err := l.Ask(t.Context(), form); err != nil {
				t.Fatal(err)
			}
			if form.Fields[0].Value != row.want || !strings.Contains(out.String(), row.says) {
				t.Errorf("got %q, said\n%s", form.Fields[0].Value, out)
			}
		})
	}
}

// TestLinesUpdates looks again, and gets what came since; numbers are those of the list that was printed last.
func TestLinesUpdates(t *testing.T) {
	t.Parallel()
	in, typing := io.Pipe()
	l, _ := newLines(in)
	out := &watched{part: "r looks again", seen: make(chan struct{})}
	l.streams.Err = out
	updates := make(chan []Choice)
	form := &Form{Fields: []Field{{Key: "a", Title: "Cluster", Kind: One, Choices: []Choice{{Value: "x", Note: "still looking"}}, Updates: updates}}}
	go func() {
		<-out.seen
		updates <- []Choice{{Value: "new"}, {Value: "x", Note: "reachable"}}
		// The second is taken only when the first has been stored.
		updates <- []Choice{{Value: "new"}, {Value: "x", Note: "reachable"}}
		close(updates)
		_, _ = typing.Write([]byte("r\n2\n"))
	}()
	if err := l.Ask(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "1. x, still looking\nSome are still being looked at; r shows") {
		t.Errorf("said\n%s", out)
	}
	if form.Fields[0].Value != "x" || !strings.Contains(out.String(), "2. x, reachable") {
		t.Errorf("got %q, said\n%s", form.Fields[0].Value, out)
	}
	if len(form.Fields[0].Choices) != 2 {
		t.Errorf("the newest choices are not left in the field: %v", form.Fields[0].Choices)
	}
}

// watched tells when a part has been written.
type watched struct {
	bytes.Buffer
	part string
	seen chan struct{}
	told bool
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if !w.told && strings.Contains(w.String(), w.part) {
		w.told = true
		close(w.seen)
	}
	return n, err
}

func TestLinesSettled(t *testing.T) {
	t.Parallel()
	in, typing := io.Pipe()
	l, out := newLines(in)
	settled := make(chan struct{})
	close(settled)
	form := &Form{Settled: settled, Fields: []Field{{Key: "a", Title: "Name"}}}
	if err := l.Ask(t.Context(), form); !errors.Is(err, ErrSettled) {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(out.String(), "No answer is needed any more.") {
		t.Errorf("said %q", out)
	}
	// What is typed now answers the next question.
	go func() { _, _ = typing.Write([]byte("next\n")) }()
	next := &Form{Fields: []Field{{Key: "b", Title: "Other"}}}
	if err := l.Ask(t.Context(), next); err != nil || next.Fields[0].Value != "next" {
		t.Errorf("got %q, %v", next.Fields[0].Value, err)
	}
}

func TestLinesEndWithTheirContext(t *testing.T) {
	t.Parallel()
	never, _ := io.Pipe()
	l, _ := newLines(never)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Ask(ctx, threeFields()); !errors.Is(err, ErrCancelled) {
		t.Errorf("got %v", err)
	}
}

func TestLinesPassing(t *testing.T) {
	t.Parallel()
	l, out := newLines(strings.NewReader(""))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l.now = func() time.Time { return at }
	l.Page(Page{Steps: []string{"A", "B", "C"}, Step: 1, Title: "The title"})
	err := l.Work(t.Context(), "Working", func(context.Context) error {
		body := l.Body()
		say(t, body, "part of ")
		body.Passing("one")
		body.Passing("two")
		say(t, body, "a line\x1b[2J\nrest")
		at = at.Add(passingEvery)
		body.Passing("one")
		body.Passing("three")
		at = at.Add(passingEvery)
		body.Passing("three")
		return io.ErrUnexpectedEOF
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Work returns %v", err)
	}
	want := "\nStep 2 of 3, B: The title\n\nWorking\none\npart of a line\nthree\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

func say(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLinesThatCannotBePrinted(t *testing.T) {
	t.Parallel()
	in := strings.NewReader("\n\n\n")
	l := NewLines(&ui.Streams{In: in, Err: failingWriter{}, Width: 80}, NewLine(in, failingWriter{}))
	if err := l.Ask(t.Context(), threeFields()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}
