package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// another is the way to a name that is not in a list.
const another = "a new one"

// askNamespace offers the namespaces that are there, and to make one.
func (w *Wizard) askNamespace(ctx context.Context) error {
	var there []string
	err := w.work(ctx, "Listing namespaces, for up to 20 s", func(ctx context.Context) (err error) {
		there, err = w.Kubernetes.Namespaces(ctx)
		return err
	})
	switch {
	case errors.Is(err, prompt.ErrCancelled):
		return err
	case err != nil:
		w.Speaker.Warn("the namespaces could not be listed, so type the name: " + err.Error())
		return w.typeNamespace(ctx, nil, w.back)
	}
	field := w.field(FlagNamespace, prompt.One)
	field.Validate = nil
	field.Choices = []prompt.Choice{{Value: another, Label: another, Note: "made when the plan is applied"}}
	for _, name := range there {
		field.Choices = append(field.Choices, prompt.Choice{Value: name, Label: name, Note: systemNamespace(name)})
	}
	argo, err := w.beside(ctx)
	if err != nil {
		return err
	}
	for i, choice := range field.Choices {
		if slices.Contains(argo, choice.Value) {
			field.Choices[i].Note = "Argo CD runs here"
		}
	}
	if field.Value == "" && len(argo) == 1 {
		field.Value = argo[0]
	}
	if !slices.Contains(there, field.Value) {
		field.Value = another
	}
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		if field.Value = fields[0].Value; field.Value != another {
			w.answers.Setup.Kubernetes.CreateNamespace = false
			return w.set(FlagNamespace, field.Value)
		}
		if err := w.typeNamespace(ctx, there, true); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

func systemNamespace(name string) string {
	if strings.HasPrefix(name, "kube-") {
		return "Kubernetes' own"
	}
	return ""
}

func (w *Wizard) typeNamespace(ctx context.Context, there []string, back bool) error {
	field := w.field(FlagNamespace, prompt.Text)
	if field.Value == "" || slices.Contains(there, field.Value) {
		field.Value = w.answers.Setup.Name
	}
	field.Validate = both(required("a namespace has a name"), field.Validate)
	form := &prompt.Form{Fields: []prompt.Field{field}, Back: back}
	w.asked = true
	if err := w.Prompt.Ask(ctx, form); err != nil {
		return err
	}
	name := form.Fields[0].Value
	// Where they could not be listed, the look at the namespace itself decides, before the plan.
	w.answers.Setup.Kubernetes.CreateNamespace = !slices.Contains(there, name)
	return w.set(FlagNamespace, name)
}

// nameable is what is there already, and the setup with the names that follow from the cluster.
func (w *Wizard) nameable(ctx context.Context) (there surroundings, named spec.Setup, err error) {
	if there, err = w.lookAround(ctx); err != nil {
		return there, named, err
	}
	id, err := w.Deeds.ClusterID(ctx)
	return there, w.answers.Setup.WithClusterID(id), err
}

// askNames offers sensible names, and tells at once what is taken.
func (w *Wizard) askNames(ctx context.Context) error {
	there, named, err := w.nameable(ctx)
	if err != nil {
		return err
	}
	var fields []prompt.Field
	// chosen is the bot that was chosen of those that are there, knowing whose it is.
	var chosen string
	for _, flag := range []string{FlagServiceAccount, FlagBotName, FlagTokenName} {
		field := w.field(flag, prompt.Text)
		field.Validate = both(required("it needs a name"), field.Validate)
		n := named.Names()
		switch flag {
		case FlagServiceAccount:
			field.Value = n.ServiceAccount
		case FlagBotName:
			field.Value = n.Bot
			field.Validate = both(field.Validate, func(name string) error { return there.botFree(name, chosen) })
		case FlagTokenName:
			field.Value = n.Token
			if admits := there.admitting(); admits != "" && w.answers.Setup.Teleport.TokenName == "" {
				field.Value = admits
			}
			field.Validate = both(field.Validate, there.tokenFree)
		}
		fields = append(fields, field)
	}
	if len(there.bots) > 0 {
		if chosen, err = w.offerBots(ctx, there, &fields[1]); err != nil {
			return err
		}
	}
	if chosen != "" && chosen != another {
		// It is named already.
		if err := w.set(FlagBotName, chosen); err != nil {
			return err
		}
		fields = slices.Delete(fields, 1, 2)
	}
	if fields, err = w.ask(ctx, fields...); err != nil {
		return err
	}
	for _, field := range fields {
		if err := w.set(field.Key, field.Value); err != nil {
			return err
		}
	}
	return nil
}

// offerBots lists the bots that are there before the names are typed, because one of them may be the one meant.
func (w *Wizard) offerBots(ctx context.Context, there surroundings, bot *prompt.Field) (chosen string, err error) {
	offered := []prompt.Choice{{Value: another, Label: another, Note: "the default"}}
	known := false
	for _, b := range there.bots {
		note := "roles " + strings.Join(b.Roles, ", ")
		if len(b.Roles) == 0 {
			note = "no roles"
		}
		if b.Ours {
			note += "; made by tbotctl"
		}
		offered = append(offered, prompt.Choice{Value: b.Name, Label: b.Name, Note: note})
		known = known || b.Name == bot.Value
	}
	field := prompt.Field{Key: FlagBotName, Kind: prompt.One, Title: "Which bot?", Help: bot.Help, Value: another, Choices: offered}
	if known {
		field.Value = bot.Value
	}
	fields, err := w.ask(ctx, field)
	if err != nil {
		return "", err
	}
	switch chosen = fields[0].Value; {
	case chosen != another:
		bot.Value = chosen
		if roles := there.rolesOf(chosen); w.value(FlagRoles) == "" && len(roles) > 0 {
			return chosen, w.set(FlagRoles, strings.Join(roles, ","))
		}
	case known:
		bot.Value = ""
	}
	return chosen, nil
}

// surroundings are what is there already that names must get along with.
type surroundings struct {
	bots   []Bot
	tokens []Token
}

// lookAround looks at bots, tokens, and who may create pods in the namespace. What cannot be looked at is said and no obstacle.
func (w *Wizard) lookAround(ctx context.Context) (surroundings, error) {
	var found surroundings
	namespace := w.answers.Setup.Kubernetes.Namespace
	what := "Looking at bots, tokens and "
	if w.isAgent() {
		what = "Looking at tokens and "
	}
	err := w.work(ctx, what+namespace+", for up to 20 s", func(ctx context.Context) error {
		if err := w.Deeds.Use(ctx, w.answers); err != nil {
			return err
		}
		if !w.answers.Setup.Kubernetes.CreateNamespace {
			makers, err := w.Kubernetes.PodMakers(ctx, namespace)
			w.sayPodMakers(namespace, makers, err)
		}
		if w.answers.NoTeleport {
			return ctx.Err()
		}
		var err error
		if w.isTbot() {
			if found.bots, err = w.Teleport.Bots(ctx); err != nil {
				w.Speaker.Warn("the bots that are there could not be listed: " + err.Error())
			}
		}
		if found.tokens, err = w.Teleport.Tokens(ctx); err != nil {
			w.Speaker.Warn("the join tokens that are there could not be listed: " + err.Error())
		}
		return ctx.Err()
	})
	if admits := found.admitting(); err == nil && admits != "" && w.isTbot() {
		w.Speaker.Say("Join token " + ui.Clean(admits) + " already admits this service account; it is filled in below.")
	}
	return found, err
}

func (w *Wizard) sayPodMakers(namespace string, makers []string, err error) {
	switch {
	case err != nil:
		w.Speaker.Warn(fmt.Sprintf("who may create pods in %s, and so become %s, could not be looked at: %v", namespace, w.joiner(), err))
	case len(makers) == 0:
		w.Speaker.Say(fmt.Sprintf("Beside administrators nobody may create pods in %s, and so nobody else can become %s.", namespace, w.joiner()))
	default:
		w.Speaker.Warn(fmt.Sprintf("Beside administrators these may create pods in %s, and so become %s: %s. A namespace of its own is safer.", namespace, w.joiner(), ui.Named(makers)))
	}
}

func (s surroundings) admitting() string {
	for _, token := range s.tokens {
		if token.Admits {
			return token.Name
		}
	}
	return ""
}

// tokenFree refuses a name that somebody else's token has; one of ours is changed as the plan shows.
func (s surroundings) tokenFree(name string) error {
	for _, token := range s.tokens {
		if token.Name == name && !token.Ours && !token.Admits {
			return fmt.Errorf("a token of this name is there and was not made by tbotctl (for bot %s); choose another name", ui.Clean(token.Bot))
		}
	}
	return nil
}

// botFree refuses the name of somebody else's bot where it was typed: in the list it stands with its roles.
func (s surroundings) botFree(name, chosen string) error {
	for _, bot := range s.bots {
		if bot.Name == name && !bot.Ours && name != chosen {
			return errors.New("a bot of this name is there and was not made by tbotctl; go back and choose it in the list to take it over, or choose another name")
		}
	}
	return nil
}

func (s surroundings) rolesOf(name string) []string {
	for _, bot := range s.bots {
		if bot.Name == name {
			return bot.Roles
		}
	}
	return nil
}
