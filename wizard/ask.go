package wizard

import (
	"context"
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// field makes the field of a question, with the answer as it stands filled in and judged by the rules of its flag.
func (w *Wizard) field(flag string, kind prompt.Kind) prompt.Field {
	q := question(flag)
	if w.isAgent() && q.AgentTitle != "" {
		q.Title = q.AgentTitle
	}
	return prompt.Field{Key: flag, Kind: kind, Title: q.Title, Help: q.Explain, Value: w.value(flag), Validate: w.judge(flag)}
}

// ask shows the fields as one form; the answers are in what it returns.
func (w *Wizard) ask(ctx context.Context, fields ...prompt.Field) ([]prompt.Field, error) {
	return w.askForm(ctx, &prompt.Form{Fields: fields})
}

func (w *Wizard) askForm(ctx context.Context, form *prompt.Form) ([]prompt.Field, error) {
	w.asked = true
	form.Back = w.back
	err := w.Prompt.Ask(ctx, form)
	return form.Fields, err
}

// askWithin shows fields that follow another form of the same page; going back leads to that one.
func (w *Wizard) askWithin(ctx context.Context, fields ...prompt.Field) ([]prompt.Field, error) {
	w.asked = true
	form := &prompt.Form{Fields: fields, Back: true}
	err := w.Prompt.Ask(ctx, form)
	return form.Fields, err
}

// sure asks for a yes to what an answer means that gives much away; ErrBack asks for another answer. It stands in the question, for
// what is said on a page stays there also after a no.
func (w *Wizard) sure(ctx context.Context, flag, means string) error {
	fields, err := w.askWithin(ctx, prompt.Field{
		Key: flag, Kind: prompt.One, Title: sentence(means) + " Go on?", Help: question(flag).Explain, Value: "no",
		Choices: []prompt.Choice{{Value: "no", Label: "No", Note: "give another answer"}, {Value: "yes", Label: "Yes"}},
	})
	if err == nil && fields[0].Value != "yes" {
		return prompt.ErrBack
	}
	return err
}

// menu offers ways on, which are no answers.
func (w *Wizard) menu(ctx context.Context, q Question, choices ...prompt.Choice) (string, error) {
	fields, err := w.ask(ctx, prompt.Field{Key: q.Flag, Kind: prompt.One, Title: q.Title, Help: q.Explain, Value: choices[0].Value, Choices: choices})
	if err != nil {
		return "", err
	}
	return fields[0].Value, nil
}

// work shows that do is running. A person who broke it off is cancelled and not failed.
func (w *Wizard) work(ctx context.Context, title string, do func(context.Context) error) error {
	brokenOff := false
	err := w.Prompt.Work(ctx, title, func(ctx context.Context) error {
		err := do(ctx)
		// A server puts it in words of its own, such as gRPC's status Canceled, so the error alone does not tell.
		brokenOff = err != nil && errors.Is(ctx.Err(), context.Canceled)
		return err
	})
	if brokenOff || errors.Is(err, context.Canceled) {
		return errors.Join(prompt.ErrCancelled, err)
	}
	return err
}

// specField finds the answer of a flag in the Setup; nil where the flag is none of the Setup's.
func specField(flag string) *spec.Field {
	for _, field := range spec.Fields() {
		if field.Flag == flag {
			return &field
		}
	}
	return nil
}

// value is the answer of a flag as it stands.
func (w *Wizard) value(flag string) string {
	if flag == FlagIdentity {
		return w.answers.Identity
	}
	field := specField(flag)
	if field == nil {
		return ""
	}
	return field.Get(w.answers.Setup)
}

// set takes an answer; judge has let it pass.
func (w *Wizard) set(flag, value string) error {
	if flag == FlagIdentity {
		w.answers.Identity = value
		return nil
	}
	field := specField(flag)
	if field == nil {
		return fmt.Errorf("--%s is no answer", flag)
	}
	return field.Set(&w.answers.Setup, value)
}

// judge holds an answer to the rules that the flag of it is held to.
func (w *Wizard) judge(flag string) func(string) error {
	field := specField(flag)
	if field == nil {
		return nil
	}
	return func(value string) error {
		trial := w.answers.Setup
		if err := field.Set(&trial, value); err != nil {
			return err
		}
		var invalid *spec.Invalid
		if !errors.As(trial.Validate(), &invalid) {
			return nil
		}
		for _, problem := range invalid.Fields {
			if problem.Flag != flag {
				continue
			}
			if problem.Fix != "" {
				return errors.New(problem.Problem + "; " + problem.Fix)
			}
			return errors.New(problem.Problem)
		}
		return nil
	}
}

// both judges by one rule after the other.
func both(first, second func(string) error) func(string) error {
	return func(value string) error {
		if first != nil {
			if err := first(value); err != nil {
				return err
			}
		}
		return second(value)
	}
}

// required refuses an empty answer.
func required(what string) func(string) error {
	return func(value string) error {
		if value == "" {
			return errors.New(what)
		}
		return nil
	}
}
