package prompt

import (
	"context"
	"io"
)

// Prompter leads a person through pages: what is said stands above, what is asked below. Terminal draws them, Lines prints them
// one line after the other, Script answers them in tests; all three ask the same questions in the same order.
type Prompter interface {
	// Page begins a page; what the last one said leaves the screen.
	Page(Page)
	// Body takes what is said on the page, in whole lines. Foreign text in it has been through ui.Clean.
	Body() Body
	// Ask shows the form and waits for its answers, which then stand in its fields. ErrBack asks for the page before and
	// ErrCancelled ends the run; what was typed stands in the fields then too.
	Ask(context.Context, *Form) error
	// Work shows that do is running, under the title, until it has ended, and returns its error. Ctrl-C cancels do's context;
	// whatever do still does then is shown as well.
	Work(ctx context.Context, title string, do func(context.Context) error) error
	// Outside gives the terminal to do, for a program that talks to the person itself, and shows the page again when do has ended.
	Outside(do func() error) error
	// Close gives the terminal back as it was.
	Close() error
}

// Body is where a page's text goes.
type Body interface {
	io.Writer
	// Passing shows what is going on right now, in the place of what it showed before; empty shows nothing.
	Passing(text string)
	// Width is how wide a line may be, in columns.
	Width() int
}

// Page is one step of the way.
type Page struct {
	// Steps are the names of all steps, Step is this one's index.
	Steps []string
	Step  int
	// Title says in one line what this page is about.
	Title string
}

// Form is what is asked on a page, in order.
type Form struct {
	Fields []Field
	// Back tells that there is a page to go back to.
	Back bool
	// FromTop shows a page that is longer than the screen from its first line; otherwise its last lines are shown.
	FromTop bool
	// Settled, where it is not nil, ends the form with ErrSettled when it is closed: what was asked for has come about.
	Settled <-chan struct{}
}

// Kind is how a field is answered.
type Kind int

// The kinds of fields.
const (
	// Text is typed.
	Text Kind = iota
	// One is chosen of several, Many are any number of them.
	One
	Many
)

// Field is one question. Value holds the answer of Text and One, Values that of Many; what stands in them before is filled in.
type Field struct {
	// Key names the question; it is the flag that answers it.
	Key   string
	Kind  Kind
	Title string
	// Help explains the question to whoever asks for it; paragraphs are separated by an empty line.
	Help    string
	Value   string
	Values  []string
	Choices []Choice
	// Updates brings newer Choices while the question stands, such as the results of probes.
	Updates <-chan []Choice
	// Validate judges an answer, for Many its values joined by commas; its error says what is wrong and is shown at the field.
	Validate func(string) error
}

// Choice is one answer that is offered. Label and Note may be foreign text; they are cleaned where they are shown.
type Choice struct {
	Value, Label string
	// Note is what is known of it.
	Note string
	// Refused says why it cannot be chosen; it is shown all the same.
	Refused string
}
