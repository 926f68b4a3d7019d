package prompt

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// model is the screen: what stands on it, and what a key does to it. It lives in the program's goroutine and hears of the flow by
// messages alone.
type model struct {
	look          look
	now           func() time.Time
	width, height int

	page    Page
	body    text
	passing passing
	work    *working
	ask     *asking
	// help is the explanation of the field in focus while it stands in the place of the body.
	help *text

	// interrupted tells that Ctrl-C came while nobody was listening; whoever comes next is told.
	interrupted bool
	frame       int
	ticking     bool
	resized     func(width int)
}

// passing is what goes on right now.
type passing struct {
	text  string
	since time.Time
}

// working is a Work under way.
type working struct {
	title  string
	since  time.Time
	cancel context.CancelFunc
	// cancelling tells that cancel has been called.
	cancelling bool
}

// The flow's messages.
type (
	pageMsg    struct{ page Page }
	linesMsg   struct{ lines []string }
	passingMsg struct{ text string }
	workMsg    struct {
		title  string
		cancel context.CancelFunc
	}
	workEndMsg struct{}
	askMsg     struct {
		form  *Form
		reply chan<- error
	}
	// endMsg ends the form from outside: its context is done, or what it asked about has come about.
	endMsg struct {
		form *Form
		err  error
	}
	choicesMsg struct {
		form    *Form
		field   int
		choices []Choice
	}
	// goneMsg tells that there is no keyboard any more.
	goneMsg struct{}
	tickMsg struct{ at time.Time }
)

// tickEvery is how often the spinner turns.
const tickEvery = 100 * time.Millisecond

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.handle(msg)
	m.layout()
	return m, tea.Batch(cmd, m.tick())
}

func (m *model) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.setSize(msg.Width, msg.Height)
	case tea.KeyMsg:
		return m.press(msg)
	case pageMsg:
		m.page, m.help = msg.page, nil
		m.body = text{width: m.width, follow: true}
		m.passing = passing{}
	case linesMsg:
		for _, line := range msg.lines {
			m.body.add(line)
		}
	case passingMsg:
		m.setPassing(msg.text)
	case workMsg:
		m.begin(msg)
	case workEndMsg:
		m.work = nil
	case askMsg:
		return m.open(msg)
	case endMsg:
		if m.ask != nil && m.ask.form == msg.form {
			m.end(msg.err)
		}
	case choicesMsg:
		if m.ask != nil && m.ask.form == msg.form && m.ask.lists[msg.field] != nil {
			m.ask.lists[msg.field].setChoices(msg.choices)
		}
	case goneMsg:
		m.interrupt()
	case tickMsg:
		m.ticking = false
		m.frame++
	default:
		// What is left is huh's own, such as the cursor's blinking.
		if m.ask != nil {
			_, cmd := m.ask.huh.Update(msg)
			return cmd
		}
	}
	return nil
}

// setSize takes the window's size. A terminal that does not know its own, such as a serial line, says 0x0 and gets the usual one.
func (m *model) setSize(width, height int) {
	if width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	m.width, m.height = width, height
	m.resized(width)
}

func (m *model) setPassing(text string) {
	text = tame(text)
	if text != m.passing.text {
		m.passing = passing{text: text, since: m.now()}
	}
}

func (m *model) begin(msg workMsg) {
	m.work = &working{title: tame(msg.title), since: m.now(), cancel: msg.cancel}
	m.body.follow = true
	if m.interrupted {
		m.interrupted = false
		m.interrupt()
	}
}

func (m *model) open(msg askMsg) tea.Cmd {
	m.help = nil
	m.ask = buildForm(msg.form, max(m.width, 1), max(m.height, 1), m.look)
	m.ask.reply = msg.reply
	m.body.follow = !msg.form.FromTop
	if msg.form.FromTop {
		m.body.top = 0
	}
	if m.interrupted {
		m.interrupted = false
		m.end(ErrCancelled)
		return nil
	}
	return m.ask.huh.Init()
}

// end takes the form off the screen and answers.
func (m *model) end(err error) {
	m.ask.end(err)
	m.ask, m.help = nil, nil
}

// interrupt is Ctrl-C: it ends a form, asks a Work to end, once, and is kept for whoever comes next if there is neither.
func (m *model) interrupt() {
	switch {
	case m.ask != nil:
		m.end(ErrCancelled)
	case m.work == nil:
		m.interrupted = true
	case !m.work.cancelling:
		m.work.cancelling = true
		m.work.cancel()
	}
}

// tick keeps the spinner turning while there is something to wait for.
func (m *model) tick() tea.Cmd {
	if m.ticking || m.work == nil && m.passing.text == "" {
		return nil
	}
	m.ticking = true
	return tea.Tick(tickEvery, func(at time.Time) tea.Msg { return tickMsg{at} })
}
