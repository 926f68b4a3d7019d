package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tbotctl/tbotctl/internal/testkit/tty"
)

// The keys that are more than a letter.
const (
	enter = "\r"
	down  = "\x1b[B"
	up    = "\x1b[A"
	esc   = "\x1b"
	next  = "\x1b[6~" // PgDn
)

// shot is one screen: when it is there, what is said of it, and what is typed once it has been taken.
type shot struct {
	// name and about stand above the screen; a shot without a name is only passed through.
	name, about string
	sees        []string
	types       string
	// rows is the window's height, where 24 is not enough to show what has to be shown.
	rows   int
	readme bool
	// do is done before the screen is waited for.
	do func(context.Context) error
}

// taken is a screen and what is said of it.
type taken struct {
	shot
	screen string
}

// shots are the whole way in its order.
func (g *ground) shots() []shot {
	return []shot{
		{
			name: "Kubernetes", readme: true,
			about: "The contexts of the kubeconfig, the current one first, each asked at once and side by side. Here one of them never answers, which delays nothing.",
			sees:  []string{"prod-eu v1.", "staging-eu v1.", "asking https://" + deadHost}, types: "?",
		},
		{
			name:  "The help of a question",
			about: "`?` explains the question that has the keyboard, wherever one is asked. Esc, or `?` again, leads back to it.",
			sees:  []string{"About: Which Kubernetes cluster?"}, types: esc,
		},
		{sees: []string{"Where tbot runs", "Which Kubernetes cluster?"}, types: enter},
		{
			name:  "Teleport",
			about: "The clusters that tsh has logged you in to, any other by its address, or nobody's: then everything is written to files for whoever does the Teleport side. An expired login shows the line that renews it, and the page goes on by itself once somebody has.",
			sees:  []string{"Which Teleport cluster?", "alice"}, types: enter,
		},
		{
			name:  "Discovery",
			about: "What both clusters say of themselves, each result as it comes, then the join type that is recommended, with the reason and what it means in a year. (Drawn on more rows than the others, so that all of it is in sight; PgUp and PgDn do that on a small screen.)",
			rows:  36, sees: []string{"How does Teleport verify the token?"}, types: enter,
		},
		{
			name:  "Names: what is deployed",
			about: "tbot, or what a teleport-kube-agent joins with. An agent is then asked for what it serves, and for nothing that only a bot has.",
			sees:  []string{"What is deployed?", "teleport-kube-agent"}, types: enter,
		},
		{
			name: "Names: the namespace", rows: 24,
			about: "The namespaces that are there, and a new one. The next page says who else may create pods in it, and so become the bot.",
			sees:  []string{"In which namespace does tbot run?", "a new one"}, types: enter,
		},
		{sees: []string{"> tbot"}, types: strings.Repeat("\x7f", len("tbot"))},
		{sees: []string{"In which namespace"}, types: namespace},
		{sees: []string{"> " + namespace}, types: enter},
		{
			name:  "Names: service account, bot, token",
			about: "Sensible names are filled in; Enter takes them one after the other. The eight digits stand for this Kubernetes cluster, so that two clusters never share a bot by accident.",
			sees:  []string{"What is the service account called?", "tbot-"}, types: enter + enter + enter,
		},
		{
			name:  "Purpose: the output",
			about: "What the bot's credentials are written for.",
			sees:  []string{"What is the bot for?"}, types: enter,
		},
		{sees: []string{"Which Teleport roles does the bot get?"}, types: " "},
		{
			name:  "Purpose: the roles",
			about: "The roles that the Teleport cluster has; `/` filters a long list and the space bar marks. A bot with an output and without a role is no way on.",
			sees:  []string{"[x] access"}, types: enter + enter,
		},
		{
			name: "Plan", readme: true,
			about: "What would be made or changed on both sides. Nothing has been written until now, and Ctrl-C says so.",
			sees:  []string{"What now?", "Apply"}, types: next,
		},
		{
			name:  "Plan, further down",
			about: "The same page after PgDn. The wizard can also write files instead, save the answers, or change one of them.",
			sees:  []string{"will be made"}, types: up,
		},
		{sees: []string{"> Apply"}, types: enter},
		{
			name:  "Apply",
			about: "Each resource as it is made, and the proof: here Teleport takes its time over the join. Where it is refused, the reason stands here, with the way back to the answer that mends it.",
			sees:  []string{"token tbot-", "s) "}, do: g.heldUp,
		},
		{
			name:  "Done",
			about: "What exists now and how it is used; further down how it is undone, and the same run as one command line. All of it is printed once more when the wizard ends.",
			sees:  []string{"Anything else?"}, types: enter, do: g.letJoin,
		},
	}
}

// heldUp waits for the join, which is held.
func (g *ground) heldUp(ctx context.Context) error {
	select {
	case <-g.joining:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the join: %w", ctx.Err())
	}
}

func (g *ground) letJoin(context.Context) error {
	close(g.letGo)
	return nil
}

// walk runs the program and takes every screen.
func (g *ground) walk(ctx context.Context, binary string) (all []taken, err error) {
	g.play(ctx)
	if binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	terminal, err := tty.Start(ctx, tty.Command{Path: binary, Args: []string{"init"}, Env: g.env(), Dir: g.dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, terminal.Close()) }()
	for _, s := range g.shots() {
		screen, err := take(ctx, terminal, s)
		if err != nil {
			return nil, err
		}
		if s.name != "" {
			all = append(all, taken{s, stable(screen)})
		}
	}
	ended, err := terminal.End(ctx)
	if err == nil && ended.Code != 0 {
		err = fmt.Errorf("tbotctl ended with %d: %s", ended.Code, terminal.Screen())
	}
	return all, err
}

func take(ctx context.Context, terminal *tty.Terminal, s shot) (string, error) {
	if s.do != nil {
		if err := s.do(ctx); err != nil {
			return "", err
		}
	}
	if s.rows != 0 {
		if err := terminal.Resize(80, s.rows); err != nil {
			return "", err
		}
	}
	screen, err := still(ctx, terminal, s.sees)
	if err != nil {
		return "", err
	}
	return screen, terminal.Type(s.types)
}
