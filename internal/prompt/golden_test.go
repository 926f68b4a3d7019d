package prompt

import (
	"errors"
	"fmt"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/tbotctl/tbotctl/internal/golden"
)

// scenes are the screens that are held by golden files, each in two sizes, in colour and in ASCII without.
func scenes() map[string]func(*screen) {
	return map[string]func(*screen){
		"contexts": func(s *screen) {
			s.page(0, "Which cluster shall tbot run in?", "Two kubeconfig files are merged: ~/.kube/config and ./lab.yaml.")
			s.send(passingMsg{"Looking at 2 of 4 contexts"})
			s.ask(&Form{Fields: []Field{{
				Key: "context", Kind: One, Title: "Kubernetes context", Help: "Where tbot runs.", Value: "kind-lab",
				Choices: []Choice{
					{Value: "kind-lab", Label: "kind-lab", Note: "kind, v1.35.2"},
					{Value: "arn", Label: "arn:aws:eks:eu-central-1:123456789012:cluster/a-name-that-is-rather-long-production-1", Note: "EKS, v1.34.1, reachable within 120 ms by its public endpoint"},
					{Value: "old", Label: "old", Refused: "not logged in: run gcloud auth login"},
					{Value: "jp", Label: "東京クラスタ", Note: "still looking"},
				},
			}}})
		},
		"names": func(s *screen) {
			s.page(3, "How shall everything be called?")
			s.ask(&Form{Back: true, Fields: []Field{
				{Key: "namespace", Kind: Text, Title: "Namespace", Value: "teleport", Help: "Made if it does not exist."},
				{Key: "bot", Kind: Text, Title: "Bot", Value: "ci-bot", Validate: func(v string) error {
					if v == "ci-bot!" {
						return errors.New("a bot's name holds letters, digits, dots and dashes")
					}
					return nil
				}},
				{Key: "sa", Kind: Text, Title: "Service account", Value: "tbot"},
			}})
			s.keys("enter", "!", "enter")
		},
		"roles": func(s *screen) {
			s.page(4, "What may the bot do?", "A bot without a role can join and do nothing else.")
			s.ask(&Form{Back: true, Fields: []Field{
				{Key: "roles", Kind: Many, Title: "Roles", Values: []string{"role-3"}, Help: "Roles of the cluster.", Choices: roles(40)},
			}})
			s.keys("down", " ", "down")
		},
		"filter": func(s *screen) {
			s.page(4, "What may the bot do?")
			s.ask(&Form{Back: true, Fields: []Field{{Key: "roles", Kind: Many, Title: "Roles", Choices: roles(40)}}})
			s.keys("/", "-3")
		},
		"plan": func(s *screen) {
			lines := make([]string, 60)
			for i := range lines {
				lines[i] = s.m.look.Good("+") + fmt.Sprintf(" resource %d would be created in both systems, and this line says so at such a length that it has to be wrapped on a small screen", i+1)
			}
			s.page(5, "This is the plan.", lines...)
			s.ask(&Form{Back: true, FromTop: true, Fields: []Field{{Key: "way", Kind: One, Title: "What now?", Choices: []Choice{
				{Value: "apply", Label: "Apply"}, {Value: "files", Label: "Write files"}, {Value: "quit", Label: "Quit"},
			}}}})
			s.keys("pgdown")
		},
		"help": func(s *screen) {
			s.page(3, "How shall everything be called?", "Body text.")
			s.ask(&Form{Fields: []Field{{
				Key: "namespace", Kind: Text, Title: "Namespace", Value: "teleport",
				Help: "The namespace that the pods of tbot run in.\n\nWhoever may create pods in it can become the bot, so it had better be one of its own.",
			}}})
			s.keys("?")
		},
		"work": func(s *screen) {
			s.page(6, "Applying", "+ Namespace teleport created", "+ ServiceAccount teleport/tbot created")
			s.send(workMsg{"Waiting for the rollout", noCancel()}, passingMsg{"pod tbot-0: pulling the image"})
			s.clock = s.clock.Add(7 * time.Second)
			s.send(tickMsg{s.clock}, passingMsg{"pod tbot-0: starting"})
		},
		"cancelling": func(s *screen) {
			s.page(6, "Applying", "+ Namespace teleport created")
			s.send(workMsg{"Waiting for the rollout", noCancel()})
			s.keys("ctrl+c")
		},
	}
}

func roles(n int) []Choice {
	choices := make([]Choice, n)
	for i := range choices {
		choices[i] = Choice{Value: fmt.Sprintf("role-%d", i), Note: "kubernetes_groups: viewers"}
	}
	choices[1].Refused = "is itself a bot's role"
	return choices
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	for name, scene := range scenes() {
		for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 120, Height: 40}} {
			for kind, colour := range map[string]bool{"plain": false, "colour": true} {
				file := fmt.Sprintf("%s-%dx%d-%s.txt", name, size.Width, size.Height, kind)
				t.Run(file, func(t *testing.T) {
					t.Parallel()
					s := newScreen(t, size.Width, size.Height, colour, colour)
					scene(s)
					assertFits(t, s.m.View(), size.Width, size.Height)
					golden.Assert(t, file, []byte(s.m.View()+"\n"))
				})
			}
		}
	}
}
