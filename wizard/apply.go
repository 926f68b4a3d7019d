package wizard

import (
	"context"
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/prompt"
)

// apply carries the plan out. A failure shows its cause and leads back to the question that mends it.
func (w *Wizard) apply(ctx context.Context) error {
	err := w.work(ctx, fmt.Sprintf("Applying, for up to %s", short(w.Patience)), w.Deeds.Apply)
	if err == nil || errors.Is(err, prompt.ErrCancelled) {
		return err
	}
	ways := []prompt.Choice{{Value: "again", Label: "Plan anew and try again", Note: "what was written stays, and is not written twice"}}
	if flag := w.Deeds.Fix(err); flag != "" {
		ways = append([]prompt.Choice{{Value: flag, Label: "Change: " + question(flag).Title, Note: "the answer that matters here"}}, ways...)
	}
	ways = append(ways,
		prompt.Choice{Value: wayChange, Label: "Change another answer"},
		prompt.Choice{Value: waySave, Label: "Save the answers", Note: "for tbotctl init --from FILE"},
		prompt.Choice{Value: wayQuit, Label: "Quit", Note: "what was written stays"})
	for {
		way, asked := w.menu(ctx, Question{Flag: FlagYes, Title: "It did not work out. What now?", Explain: "The lines above say what happened, and what mends it. All answers are kept, and the plan is shown again before anything else is written."}, ways...)
		switch {
		case asked != nil:
			return asked
		case way == "again":
			return &jump{FlagYes}
		case way == waySave:
			asked = w.save(ctx)
		case way == wayChange:
			asked = w.changeOrNot(ctx)
		case way == wayQuit:
			// What ended the run is its result.
			return err
		default:
			return &jump{way}
		}
		if !errors.Is(asked, errAskAgain) {
			return asked
		}
	}
}

// done shows what exists now, until somebody has read it.
func (w *Wizard) done(ctx context.Context) error {
	w.Deeds.Finish()
	for {
		ways := []prompt.Choice{{Value: "finish", Label: "Finish", Note: "the same is printed once more"}, {Value: waySave, Label: "Save the answers", Note: "for the next run, for render and for diff"}}
		fields, err := w.askForm(ctx, &prompt.Form{FromTop: true, Fields: []prompt.Field{{
			Key: FlagYes, Kind: prompt.One, Title: "Anything else?", Value: ways[0].Value, Choices: ways,
			Help: "What is shown here is printed once more when the wizard ends, so that it can be copied.",
		}}})
		if err != nil || fields[0].Value == "finish" {
			// It is done; to leave in another way than by Enter changes nothing of that.
			return ctx.Err()
		}
		if err := w.save(ctx); !errors.Is(err, errAskAgain) {
			return err
		}
	}
}
