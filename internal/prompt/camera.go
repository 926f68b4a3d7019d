package prompt

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// Camera is a Script that keeps, for each question and for the end of each work, the screen that Terminal would draw there: whole runs
// can be held by golden files without a terminal. Time stands still.
type Camera struct {
	*Script
	model *model
	take  func(name, screen string)
	taken int
}

// NewCamera returns a Camera of that size that answers by the script; take gets each screen, under a number and what was asked.
func NewCamera(script *Script, width, height int, color, unicode bool, take func(name, screen string)) *Camera {
	began := time.Time{}
	c := &Camera{Script: script, take: take, model: &model{
		look: newLook(io.Discard, color, unicode), now: func() time.Time { return began }, resized: func(int) {},
	}}
	c.model.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return c
}

func (c *Camera) shoot(name string) {
	c.taken++
	c.take(fmt.Sprintf("%02d-%s", c.taken, name), c.model.View()+"\n")
}

// Page implements Prompter.
func (c *Camera) Page(page Page) {
	c.model.Update(pageMsg{page})
	c.Script.Page(page)
}

// Body implements Prompter.
func (c *Camera) Body() Body { return cameraBody{c, c.Script.Body()} }

// Work implements Prompter.
func (c *Camera) Work(ctx context.Context, title string, do func(context.Context) error) error {
	c.model.Update(workMsg{title, func() {}})
	err := c.Script.Work(ctx, title, do)
	c.shoot("work")
	c.model.Update(workEndMsg{})
	return err
}

// Ask implements Prompter. Choices that are still to come are waited for, so that a screen does not depend on who was faster.
func (c *Camera) Ask(ctx context.Context, form *Form) error {
	shown := Form{Fields: append([]Field(nil), form.Fields...), Back: form.Back, FromTop: form.FromTop}
	c.model.Update(askMsg{&shown, make(chan error, 1)})
	for i := range form.Fields {
		if form.Fields[i].Updates == nil {
			continue
		}
		for choices := range form.Fields[i].Updates {
			form.Fields[i].Choices = choices
			c.model.Update(choicesMsg{&shown, i, choices})
		}
		form.Fields[i].Updates = nil
	}
	c.shoot(form.Fields[0].Key)
	c.model.Update(endMsg{&shown, ErrSettled})
	return c.Script.Ask(ctx, form)
}

// cameraBody shows on both.
type cameraBody struct {
	c    *Camera
	body Body
}

// Write implements io.Writer.
func (b cameraBody) Write(p []byte) (int, error) {
	b.c.model.Update(linesMsg{strings.Split(strings.TrimSuffix(string(p), "\n"), "\n")})
	return b.body.Write(p)
}

// Passing implements Body.
func (b cameraBody) Passing(text string) {
	b.c.model.Update(passingMsg{text})
	b.body.Passing(text)
}

// Width implements Body.
func (b cameraBody) Width() int { return b.c.model.width }
