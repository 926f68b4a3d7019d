package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// askJoinType looks at both clusters, shows each result as it comes, and offers the join types with the recommended one first.
func (w *Wizard) askJoinType(ctx context.Context) error {
	for _, text := range w.known {
		w.Speaker.Say(text)
	}
	for {
		err := w.discover(ctx)
		if err == nil {
			break
		}
		if err := w.trouble(ctx, err, "Both clusters have to answer before a plan can be made. What now?"); err != nil {
			return err
		}
	}
	asked := w.answers.Setup.Join.Type
	if w.Given(FlagJoinType) && w.forced == nil {
		choice, err := w.Deeds.Choose(ctx, asked)
		if err == nil {
			w.Speaker.Say(fmt.Sprintf("%s: %s.", choice.Type, choice.Reason))
			w.sayPlatform(choice)
			return nil
		}
		w.Speaker.Warn(err.Error())
		asked = spec.JoinAuto
	}
	types, recommended, best := w.joinTypes(ctx)
	w.taken = recommended
	if asked == spec.JoinAuto {
		asked = recommended
	}
	for {
		field := w.field(FlagJoinType, prompt.One)
		field.Value, field.Choices, field.Validate = string(asked), types, nil
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		asked = spec.JoinType(fields[0].Value)
		w.answers.Setup.Join.Type = asked
		if asked == best {
			// What is recommended is what auto takes, with the reason for it.
			w.answers.Setup.Join.Type = spec.JoinAuto
		}
		switch err := w.acceptRisk(ctx, asked, best == ""); {
		case err == nil:
			return nil
		case !errors.Is(err, prompt.ErrBack):
			return err
		}
	}
}

func (w *Wizard) discover(ctx context.Context) error {
	return w.work(ctx, "Looking at both clusters, each look for up to 20 s", func(ctx context.Context) error {
		if err := w.Deeds.Use(ctx, w.answers); err != nil {
			return err
		}
		return w.Deeds.Discover(ctx)
	})
}

// trouble offers what can be done about looks that failed, the question that mends them first.
func (w *Wizard) trouble(ctx context.Context, err error, title string) error {
	if errors.Is(err, prompt.ErrCancelled) {
		return err
	}
	w.Speaker.Warn(err.Error())
	ways := []prompt.Choice{{Value: "again", Label: "Look again"}}
	if flag := w.Deeds.Fix(err); flag != "" {
		ways = append([]prompt.Choice{{Value: flag, Label: "Change: " + question(flag).Title, Note: "the answer that matters here"}}, ways...)
	}
	ways = append(ways, prompt.Choice{Value: "change", Label: "Change another answer"}, prompt.Choice{Value: "quit", Label: "Quit", Note: "nothing has been changed"})
	way, err := w.menu(ctx, Question{Flag: FlagYes, Title: title, Explain: "The lines above say what was seen and what mends it. Mend it and look again, or change an answer; all the others are kept."}, ways...)
	switch {
	case err != nil:
		return err
	case way == "again":
		return nil
	case way == "change":
		return w.change(ctx)
	case way == "quit":
		return ErrQuit
	}
	return &jump{way}
}

// joinTypes offers every type: the recommended one first, those that cannot work with the reason. auto is the type that would be
// taken without being asked for; empty where none would.
func (w *Wizard) joinTypes(ctx context.Context) (offered []prompt.Choice, recommended, auto spec.JoinType) {
	best, err := w.Deeds.Choose(ctx, spec.JoinAuto)
	switch {
	case err == nil:
		recommended, auto = best.Type, best.Type
		w.Speaker.Head("Recommended: " + string(best.Type))
		w.Speaker.Say(sentence(best.Reason))
		w.Speaker.Say(inAYear(best.Type))
		w.sayPlatform(best)
		for _, warning := range best.Warnings {
			w.Speaker.Warn(warning)
		}
	case issuer.Is(err, issuer.RotationRisk):
		recommended = spec.JoinStaticJWKS
		w.Speaker.Head("Nothing fits without a risk")
		w.Speaker.Warn(err.Error())
	default:
		w.Speaker.Warn(err.Error())
	}
	for _, join := range []spec.JoinType{spec.JoinOIDC, spec.JoinStaticJWKS, spec.JoinInCluster} {
		choice := prompt.Choice{Value: string(join), Label: string(join), Note: cost(join)}
		if join == recommended && err == nil {
			choice.Note = "recommended; " + choice.Note
		}
		switch possible, against := w.Deeds.Choose(ctx, join); {
		case join == spec.JoinInCluster && w.refuseInCluster() != "":
			choice.Refused = w.refuseInCluster()
		case against != nil && !issuer.Is(against, issuer.RotationRisk):
			choice.Refused = against.Error()
		case join == spec.JoinOIDC && against == nil && len(possible.Warnings) > 0 && join != recommended:
			choice.Note += "; not seen from here"
		}
		offered = append(offered, choice)
	}
	slices.SortStableFunc(offered, func(a, b prompt.Choice) int {
		return rank(a, recommended) - rank(b, recommended)
	})
	return offered, recommended, auto
}

// sayPlatform tells of the cloud's own way, where this is a cloud that is known.
func (w *Wizard) sayPlatform(choice issuer.Choice) {
	platform, known := issuer.PlatformOf(choice.Issuer)
	if !known {
		return
	}
	for _, line := range platform.Lines() {
		w.Speaker.Say(line)
	}
}

func rank(c prompt.Choice, recommended spec.JoinType) int {
	switch {
	case c.Value == string(recommended):
		return 0
	case c.Refused == "":
		return 1
	}
	return 2
}

// inAYear says what becomes of a join type when the cluster's keys change.
func inAYear(join spec.JoinType) string {
	switch join {
	case spec.JoinOIDC:
		return "In a year: the cluster may rotate its keys, Teleport reads the new ones from the issuer, and nothing is left to do."
	case spec.JoinStaticJWKS:
		return "In a year: if the cluster's keys were rotated, joins are refused with \"access denied\" until the token's copy is renewed by another run of tbotctl init. Note it where the rotation is planned."
	case spec.JoinInCluster:
		return "In a year: nothing to do, as long as Teleport's Auth Service runs in this same cluster."
	case spec.JoinAuto:
	}
	return ""
}

// cost says in half a line what a type asks in return.
func cost(join spec.JoinType) string {
	switch join {
	case spec.JoinOIDC:
		return "needs an issuer that Teleport can read"
	case spec.JoinStaticJWKS:
		return "copies the keys; to be renewed at each rotation"
	case spec.JoinInCluster:
		return "only where the Auth Service runs in this same cluster"
	case spec.JoinAuto:
	}
	return ""
}

// acceptRisk asks for a yes to a copy that the provider will make stale; told tells that the page says why already.
func (w *Wizard) acceptRisk(ctx context.Context, join spec.JoinType, told bool) error {
	_, err := w.Deeds.Choose(ctx, join)
	if !issuer.Is(err, issuer.RotationRisk) {
		return err
	}
	if !told {
		w.Speaker.Warn(err.Error())
	}
	field := w.field(FlagRotationRisk, prompt.One)
	field.Value, field.Validate = "false", nil
	field.Choices = []prompt.Choice{{Value: "false", Label: "No", Note: "choose another join type"}, {Value: "true", Label: "Yes, copy them", Note: "I will renew the copy"}}
	form := &prompt.Form{Fields: []prompt.Field{field}, Back: true}
	if err := w.Prompt.Ask(ctx, form); err != nil {
		return err
	}
	if form.Fields[0].Value != "true" {
		return prompt.ErrBack
	}
	return w.set(FlagRotationRisk, "true")
}

// sentence ends a reason.
func sentence(reason string) string {
	if reason == "" {
		return ""
	}
	return string(upper([]rune(reason))) + "."
}

func upper(text []rune) []rune {
	if text[0] >= 'a' && text[0] <= 'z' {
		text[0] -= 'a' - 'A'
	}
	return text
}
