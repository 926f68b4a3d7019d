package prompt

import (
	tea "github.com/charmbracelet/bubbletea"
)

// keyHint is one entry of the footer.
type keyHint struct{ key, does string }

// press does what a key means at this moment.
func (m *model) press(msg tea.KeyMsg) tea.Cmd {
	if msg.Type == tea.KeyCtrlC {
		m.interrupt()
		return nil
	}
	if m.tooSmall() || m.scrolled(msg) || m.ask == nil {
		return nil
	}
	if one := oneByOne(msg); len(one) > 1 && m.ask.choosing() {
		cmds := make([]tea.Cmd, len(one))
		for i, key := range one {
			cmds[i] = m.press(key)
		}
		return tea.Batch(cmds...)
	}
	switch {
	case m.ask.filtering() && msg.Type != tea.KeyEsc && msg.Type != tea.KeyEnter && msg.Type != tea.KeyTab && msg.Type != tea.KeyShiftTab:
		return m.ask.press(msg)
	case msg.String() == "?":
		m.toggleHelp()
		return nil
	}
	switch msg.Type {
	case tea.KeyEnter, tea.KeyTab:
		return m.accept()
	case tea.KeyShiftTab:
		return m.previous()
	case tea.KeyEsc:
		m.escape()
		return nil
	default:
		return m.ask.press(msg)
	}
}

// oneByOne takes keys apart that arrived in one read, as they do when somebody types fast over a slow line. What is pasted stays
// whole.
func oneByOne(msg tea.KeyMsg) []tea.KeyMsg {
	if msg.Type != tea.KeyRunes || msg.Paste {
		return []tea.KeyMsg{msg}
	}
	keys := make([]tea.KeyMsg, len(msg.Runes))
	for i, r := range msg.Runes {
		keys[i] = tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}, Alt: msg.Alt}
	}
	return keys
}

func (m *model) accept() tea.Cmd {
	done, cmd := m.ask.accept()
	if done {
		m.end(nil)
		return nil
	}
	m.followHelp()
	return cmd
}

func (m *model) previous() tea.Cmd {
	went, cmd := m.ask.previous()
	if !went && m.ask.form.Back {
		m.end(ErrBack)
		return nil
	}
	m.followHelp()
	return cmd
}

// escape leaves what is innermost: the help, the filter, the page.
func (m *model) escape() {
	switch {
	case m.help != nil:
		m.help = nil
	case m.ask.clearFilter():
	case m.ask.form.Back:
		m.end(ErrBack)
	}
}

func (m *model) toggleHelp() {
	if m.help != nil {
		m.help = nil
		return
	}
	m.showHelp()
}

// followHelp shows the help of the field that has got the keyboard, where help is open.
func (m *model) followHelp() {
	if m.help != nil {
		m.help = nil
		m.showHelp()
	}
}

func (m *model) showHelp() {
	field := m.ask.field()
	if field.Help == "" {
		return
	}
	m.help = &text{width: m.width}
	for _, line := range helpLines(field.Help) {
		m.help.add(line)
	}
}

// scrolled moves the page, or the help in its place, and reports whether the key was one of those that do.
func (m *model) scrolled(msg tea.KeyMsg) bool {
	height := m.plan().body
	by := 0
	switch msg.String() {
	case "pgup":
		by = -max(height-2, 1)
	case "pgdown":
		by = max(height-2, 1)
	case "ctrl+up", "alt+up", "shift+up":
		by = -1
	case "ctrl+down", "alt+down", "shift+down":
		by = 1
	default:
		return false
	}
	m.reading().scroll(by, height)
	return true
}

// reading is what stands in the place of the body.
func (m *model) reading() *text {
	if m.help != nil {
		return m.help
	}
	return &m.body
}

// hints are the keys that work right now, the most needed first.
func (m *model) hints() []keyHint {
	switch {
	case m.ask == nil && m.work != nil && m.work.cancelling, m.ask == nil && m.interrupted:
		return nil
	case m.ask == nil:
		return []keyHint{{"ctrl+c", "cancel"}}
	}
	field := m.ask.field()
	accept := "next"
	if m.ask.at == len(m.ask.form.Fields)-1 {
		accept = "go on"
	}
	var hints []keyHint
	l := m.ask.lists[m.ask.at]
	switch {
	case m.ask.filtering() && field.Kind == Many:
		return []keyHint{{"enter", "keep the filter"}, {"esc", "clear it"}, {"ctrl+c", "quit"}, {"ctrl+a", "mark all"}}
	case m.ask.filtering():
		return []keyHint{{"enter", "choose"}, {"esc", "clear the filter"}, {"ctrl+c", "quit"}, {m.look.signs.up + "/" + m.look.signs.down, "move"}}
	case field.Kind == Many:
		hints = append(hints, keyHint{"space", "mark"}, keyHint{"enter", accept})
	default:
		hints = append(hints, keyHint{"enter", accept})
	}
	switch {
	case m.help != nil:
		hints = append(hints, keyHint{"esc", "close the help"})
	case l != nil && l.filter != "":
		hints = append(hints, keyHint{"esc", "clear the filter"})
	case m.ask.form.Back:
		hints = append(hints, keyHint{"esc", "back"})
	}
	if field.Help != "" && m.help == nil {
		hints = append(hints, keyHint{"?", "help"})
	}
	hints = append(hints, keyHint{"ctrl+c", "quit"})
	if l != nil {
		hints = append(hints, keyHint{"/", "filter"}, keyHint{m.look.signs.up + "/" + m.look.signs.down, "move"})
	}
	if m.ask.at > 0 {
		hints = append(hints, keyHint{"shift+tab", "field before"})
	}
	return hints
}
