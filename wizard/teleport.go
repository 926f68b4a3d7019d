package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// What can be chosen beside a login of tsh.
const (
	anotherProxy = "another"
	noTeleport   = "nobody"
	// onlyHere deploys the Kubernetes side, and asks somebody else for the Teleport side by a request.
	onlyHere = "request"
)

// choicesWithout are the ways to do without a login.
func choicesWithout(files, request string) []prompt.Choice {
	return []prompt.Choice{
		{Value: noTeleport, Label: files, Note: "write files; nothing is applied"},
		{Value: onlyHere, Label: request, Note: "deploy this side; somebody grants the other"},
	}
}

// leave leaves the Teleport side to somebody else, or takes it back.
func (w *Wizard) leave(way string) {
	w.answers.NoTeleport = way == noTeleport || way == onlyHere
	w.answers.Setup.Side = spec.SideBoth
	if way == onlyHere {
		w.answers.Setup.Side = spec.SideKubernetes
	}
}

// leftTo is how the Teleport side is left to somebody else; empty where it is not.
func (w *Wizard) leftTo() string {
	switch {
	case !w.answers.Setup.Side.HasTeleport():
		return onlyHere
	case w.answers.NoTeleport:
		return noTeleport
	}
	return ""
}

// askProxy offers the logins of tsh, any other proxy, and to leave the Teleport side to somebody else.
func (w *Wizard) askProxy(ctx context.Context) error {
	w.clusters = nil
	if w.notOurs {
		return w.typeProxy(ctx, w.back)
	}
	profiles, err := w.Teleport.Profiles()
	if err != nil {
		w.Speaker.Warn("the logins of tsh could not be read: " + err.Error())
	}
	var offered []prompt.Choice
	for _, profile := range profiles {
		offered = append(offered, prompt.Choice{Value: profile.Proxy, Label: profile.Proxy, Note: profile.note(w.Now())})
	}
	offered = append(offered,
		prompt.Choice{Value: anotherProxy, Label: "another proxy", Note: "typed as host:port"},
	)
	offered = append(offered, choicesWithout("nobody here", "nobody here, by a request")...)
	field := w.field(FlagProxy, prompt.One)
	field.Choices, field.Validate = offered, nil
	switch {
	case w.leftTo() != "":
		field.Value = w.leftTo()
	case field.Value == "":
		field.Value = offered[0].Value
	case !isProfile(profiles, field.Value):
		field.Value = anotherProxy
	}
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		if isProfile(profiles, field.Value) {
			w.leave("")
			return w.set(FlagProxy, field.Value)
		}
		switch err := w.typeProxy(ctx, true); {
		case err == nil:
			w.leave(field.Value)
			return nil
		case !errors.Is(err, prompt.ErrBack):
			return err
		}
	}
}

func isProfile(profiles []Profile, proxy string) bool {
	for _, profile := range profiles {
		if profile.Proxy == proxy {
			return true
		}
	}
	return false
}

// typeProxy asks for an address; going back from it leads to the list.
func (w *Wizard) typeProxy(ctx context.Context, back bool) error {
	field := w.field(FlagProxy, prompt.Text)
	field.Title = "What is the address of its Proxy Service? (host:port)"
	field.Validate = both(required("give host:port, for example example.teleport.sh:443"), field.Validate)
	form := &prompt.Form{Fields: []prompt.Field{field}, Back: back}
	w.asked = true
	if err := w.Prompt.Ask(ctx, form); err != nil {
		return err
	}
	return w.set(FlagProxy, form.Fields[0].Value)
}

// note says in half a line whose login it is and how long it lasts.
func (p Profile) note(now time.Time) string {
	switch {
	case p.Problem != "":
		return "cannot be read: " + p.Problem
	case p.Hardware:
		return fmt.Sprintf("%s, as %s; its key lies on a hardware token, which only tsh and tctl can use", p.Cluster, p.User)
	case !p.Expires.After(now):
		return fmt.Sprintf("%s, as %s; expired %s ago", p.Cluster, p.User, short(now.Sub(p.Expires)))
	}
	return fmt.Sprintf("%s, as %s, for %s", p.Cluster, p.User, short(p.Expires.Sub(now)))
}

// short is a span of time as somebody would say it.
func short(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return "less than a minute"
}

// lookAtTeleport asks the proxy who it is, and tries the login. It asks nothing where both are well.
func (w *Wizard) lookAtTeleport(ctx context.Context) error {
	w.known = nil
	for {
		err := w.tryProxy(ctx)
		if err == nil {
			break
		}
		if err := w.proxyTrouble(ctx, err); err != nil {
			return err
		}
	}
	for !w.answers.NoTeleport {
		err := w.tryLogin(ctx)
		if err == nil || errors.Is(err, errLeave) {
			break
		}
		if err := w.loginTrouble(ctx, err); err != nil {
			return err
		}
	}
	return nil
}

// say puts a sentence on this page and on the next one: this one asks nothing where all is well, and is gone at once.
func (w *Wizard) say(text string) {
	w.known = append(w.known, text)
	w.Speaker.Say(text)
}

// errLeave is a way on that needs no further look.
var errLeave = errors.New("on")

func (w *Wizard) tryProxy(ctx context.Context) error {
	return w.work(ctx, "Asking "+w.answers.Setup.Teleport.Proxy+" who it is, for up to 20 s", func(ctx context.Context) error {
		if err := w.Deeds.Use(ctx, w.answers); err != nil {
			return err
		}
		proxy, err := w.Teleport.Proxy(ctx)
		if err != nil {
			return err
		}
		w.say(fmt.Sprintf("%s is the proxy of Teleport cluster %s, version %s. %s", w.answers.Setup.Teleport.Proxy, proxy.ClusterName, proxy.Version, proxy.Certificate))
		w.noArgoCD = ""
		if proxy.LoadBalancer {
			w.noArgoCD = "a load balancer before the proxy ends TLS"
			w.say("A load balancer that ends TLS stands before it; tbot joins through it over HTTPS.")
		}
		return nil
	})
}

func (w *Wizard) proxyTrouble(ctx context.Context, err error) error {
	if errors.Is(err, prompt.ErrCancelled) {
		return err
	}
	w.Speaker.Warn(err.Error())
	way, err := w.menu(ctx, Question{Flag: FlagProxy, Title: "The proxy cannot be used so. What now?", Explain: question(FlagProxy).Explain},
		prompt.Choice{Value: "again", Label: "Look again"},
		prompt.Choice{Value: "another", Label: "Name another Teleport cluster"})
	switch {
	case err != nil:
		return err
	case way == "another":
		return &jump{FlagProxy}
	}
	return nil
}

func (w *Wizard) tryLogin(ctx context.Context) error {
	var login Login
	err := w.work(ctx, "Trying the login, for up to 20 s", func(ctx context.Context) (err error) {
		if err = w.Deeds.Use(ctx, w.answers); err != nil {
			return err
		}
		login, err = w.Teleport.Login(ctx)
		return err
	})
	if err != nil {
		return err
	}
	said := "Logged in as " + login.User
	if !login.Expires.IsZero() {
		said += fmt.Sprintf(", for %s", short(login.Expires.Sub(w.Now())))
	}
	w.say(said + ".")
	if login.Touches == "" {
		return nil
	}
	w.Speaker.Warn(login.Touches)
	_, err = w.menu(ctx, Question{Flag: FlagIdentity, Title: "Have the key at hand?", Explain: question(FlagIdentity).Explain}, prompt.Choice{Value: "on", Label: "Go on"})
	if err == nil {
		return errLeave
	}
	return err
}

// loginTrouble shows how to log in, and goes on by itself as soon as somebody has.
func (w *Wizard) loginTrouble(ctx context.Context, trouble error) error {
	if errors.Is(trouble, prompt.ErrCancelled) || errors.Is(trouble, prompt.ErrBack) {
		return trouble
	}
	w.Speaker.Warn(trouble.Error())
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	field := prompt.Field{
		Key: FlagIdentity, Kind: prompt.One, Title: question(FlagIdentity).Title, Help: question(FlagIdentity).Explain, Value: "again",
		Choices: slices.Concat([]prompt.Choice{
			{Value: "again", Label: "I have logged in", Note: "or just wait: a login is seen by itself"},
			{Value: "identity", Label: "Use an identity file"},
		}, choicesWithout("Do without", "Do without, by a request"), []prompt.Choice{
			{Value: anotherProxy, Label: "Name another Teleport cluster"},
		}),
	}
	fields, err := w.askForm(ctx, &prompt.Form{Fields: []prompt.Field{field}, Settled: w.loggedIn(waiting)})
	switch {
	case errors.Is(err, prompt.ErrSettled):
		w.answers.Identity = ""
		return nil
	case err != nil:
		return err
	}
	switch fields[0].Value {
	case "identity":
		return w.askIdentity(ctx)
	case noTeleport, onlyHere:
		w.leave(fields[0].Value)
	case anotherProxy:
		return &jump{FlagProxy}
	}
	return nil
}

func (w *Wizard) askIdentity(ctx context.Context) error {
	field := w.field(FlagIdentity, prompt.Text)
	field.Title = "Which identity file?"
	field.Validate = required("give the path of a file")
	fields, err := w.ask(ctx, field)
	if err != nil {
		return err
	}
	return w.set(FlagIdentity, fields[0].Value)
}

// loggedIn closes its channel when tsh has a usable login for the proxy that was not there when it began to look.
func (w *Wizard) loggedIn(ctx context.Context) <-chan struct{} {
	settled := make(chan struct{})
	was := w.loginUntil()
	go func() {
		ticker := time.NewTicker(w.LookAgain)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if until := w.loginUntil(); until.After(was) && until.After(w.Now()) {
					close(settled)
					return
				}
			}
		}
	}()
	return settled
}

// loginUntil is when tsh's login for the proxy ends; zero where there is none.
func (w *Wizard) loginUntil() time.Time {
	profiles, err := w.Teleport.Profiles()
	if err != nil {
		return time.Time{}
	}
	for _, profile := range profiles {
		if profile.Proxy == w.answers.Setup.Teleport.Proxy && !profile.Hardware {
			return profile.Expires
		}
	}
	return time.Time{}
}
