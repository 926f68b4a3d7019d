package wizard

import (
	"context"
	"errors"
	"slices"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// The ways on from the plan.
const (
	wayApply  = "apply"
	wayFiles  = "files"
	waySave   = "save"
	wayChange = "change"
	wayQuit   = "quit"
)

// askPlan shows what would be made on both sides, and asks what is to be done with it.
func (w *Wizard) askPlan(ctx context.Context) error {
	w.returning = false
	var planned Planned
	for {
		err := w.work(ctx, "Comparing the plan with both clusters, for up to 20 s a look", func(ctx context.Context) (err error) {
			if err = w.Deeds.Use(ctx, w.answers); err != nil {
				return err
			}
			planned, err = w.Deeds.Plan(ctx)
			return err
		})
		if err == nil {
			break
		}
		if err := w.trouble(ctx, err, "The plan cannot be carried out so. What now?"); err != nil {
			return err
		}
	}
	ways := w.ways(planned)
	switch {
	case w.answers.OutDir != "":
		err := w.work(ctx, "Writing files", func(ctx context.Context) error { return w.Deeds.WriteFiles(ctx, w.answers.OutDir) })
		w.finished = err == nil
		return err
	case w.answers.Yes && ways[0].Value == wayApply:
		return nil
	}
	for {
		q := question(FlagYes)
		// Nothing is filled in, so that an empty line applies nothing. On a screen keys that come before the plan is there are dropped.
		field := prompt.Field{Key: q.Flag, Kind: prompt.One, Title: q.Title, Help: q.Explain, Choices: ways}
		fields, err := w.askForm(ctx, &prompt.Form{Fields: []prompt.Field{field}, FromTop: true})
		if err != nil {
			return err
		}
		switch err := w.take(ctx, fields[0].Value); {
		case errors.Is(err, errAskAgain):
		default:
			return err
		}
	}
}

// errAskAgain leads back to the menu.
var errAskAgain = errors.New("again")

// ways are what can be done with a plan.
func (w *Wizard) ways(planned Planned) []prompt.Choice {
	var ways []prompt.Choice
	switch reasons := conflictReasons(planned.Plan); {
	case slices.Contains(reasons, plan.Managed):
		// What a tool keeps is taken over by who says so beforehand, with the flag; here the files are what it changes by.
	case (slices.Contains(reasons, plan.Foreign) || slices.Contains(reasons, plan.OtherPair)) && !w.answers.TakeOver:
		ways = append(ways, prompt.Choice{Value: FlagTakeOver, Label: question(FlagTakeOver).Title, Note: question(FlagTakeOver).Help})
	case slices.Contains(reasons, plan.HeldFields) && !w.answers.ForceConflicts:
		ways = append(ways, prompt.Choice{Value: FlagForceConflicts, Label: question(FlagForceConflicts).Title, Note: question(FlagForceConflicts).Help})
	case planned.FilesOnly, len(reasons) > 0:
	case planned.Changed():
		ways = append(ways, prompt.Choice{Value: wayApply, Label: "Apply", Note: w.applyNote()})
	default:
		ways = append(ways, prompt.Choice{Value: wayApply, Label: "Confirm", Note: "nothing is to be changed; see that it works"})
	}
	files := prompt.Choice{Value: wayFiles, Label: "Write files", Note: "for Git or for somebody else; nothing is applied"}
	return append(ways, files,
		prompt.Choice{Value: waySave, Label: "Save the answers", Note: "for tbotctl init --from FILE"},
		prompt.Choice{Value: wayChange, Label: "Change an answer"},
		prompt.Choice{Value: wayQuit, Label: "Quit", Note: "nothing has been changed"})
}

func conflictReasons(planned plan.Plan) []plan.Reason {
	var reasons []plan.Reason
	for _, item := range planned.Conflicts() {
		reasons = append(reasons, item.Reason)
	}
	return reasons
}

func (w *Wizard) take(ctx context.Context, way string) error {
	switch way {
	case wayApply:
		return nil
	case FlagTakeOver:
		w.answers.TakeOver = true
		return &jump{FlagYes}
	case FlagForceConflicts:
		w.answers.ForceConflicts = true
		return &jump{FlagYes}
	case wayFiles:
		return w.writeFiles(ctx)
	case waySave:
		return w.save(ctx)
	case wayChange:
		return w.changeOrNot(ctx)
	}
	return ErrQuit
}

// changeOrNot leads back to the menu where no answer was chosen after all.
func (w *Wizard) changeOrNot(ctx context.Context) error {
	if err := w.change(ctx); !errors.Is(err, prompt.ErrBack) {
		return err
	}
	return errAskAgain
}

// change lists the answers as they stand; the one that is chosen is asked again and no other.
func (w *Wizard) change(ctx context.Context) error {
	var offered []prompt.Choice
	for _, p := range w.pages() {
		if p.when != nil && !p.when() {
			continue
		}
		for _, flag := range append(slices.Clone(p.flags), joinTypeOf(p)...) {
			if !w.asks(flag) {
				continue
			}
			label := question(flag).Title
			note := w.value(flag)
			if flag == FlagJoinType && note == string(spec.JoinAuto) {
				note = string(w.taken)
			}
			offered = append(offered, prompt.Choice{Value: flag, Label: label, Note: note})
		}
	}
	field := prompt.Field{Key: "change", Kind: prompt.One, Title: "Which answer?", Help: "The answer that you choose is asked again; all the others are kept, as far as they still fit.", Value: offered[0].Value, Choices: offered}
	form := &prompt.Form{Fields: []prompt.Field{field}, Back: true}
	if err := w.Prompt.Ask(ctx, form); err != nil {
		return err
	}
	return &jump{form.Fields[0].Value}
}

// joinTypeOf is the answer of the page that always looks and so has no flags to be passed over by.
func joinTypeOf(p *page) []string {
	if p.step == stepDiscovery {
		return []string{FlagJoinType}
	}
	return nil
}

// typed asks for a path and does something with it; what went wrong is said, and the path is asked again.
func (w *Wizard) typed(ctx context.Context, flag, suggestion string, do func(string) error) error {
	field := w.field(flag, prompt.Text)
	field.Value, field.Validate = suggestion, required("give a path")
	for {
		form := &prompt.Form{Fields: []prompt.Field{field}, Back: true}
		if err := w.Prompt.Ask(ctx, form); err != nil {
			if errors.Is(err, prompt.ErrBack) {
				return errAskAgain
			}
			return err
		}
		field.Value = form.Fields[0].Value
		err := do(field.Value)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		w.Speaker.Warn(err.Error())
	}
}

func (w *Wizard) writeFiles(ctx context.Context) error {
	err := w.typed(ctx, FlagOutDir, "tbotctl-"+w.answers.Setup.Name, func(dir string) error {
		return w.work(ctx, "Writing files", func(ctx context.Context) error { return w.Deeds.WriteFiles(ctx, dir) })
	})
	w.finished = err == nil
	return err
}

func (w *Wizard) save(ctx context.Context) error {
	err := w.typed(ctx, FlagSave, "tbotctl-"+w.answers.Setup.Name+".yaml", func(path string) error {
		if err := w.Deeds.Save(path); err != nil {
			return err
		}
		w.Speaker.Say("The answers are in " + ui.Clean(path) + "; tbotctl init --from " + spec.ShellWord(path) + " goes on from them.")
		return nil
	})
	if err == nil {
		return errAskAgain
	}
	return err
}
