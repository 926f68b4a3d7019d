package undo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/undo"
)

// What a tool keeps of the installation is told apart from what merely stays; a namespace is no part of it.
func TestManaged(t *testing.T) {
	t.Parallel()
	at := installed(t)
	for _, name := range []string{"ConfigMap tbot-config", "Namespace machines"} {
		at.objects[name].SetLabels(with(labelsOf(at.objects[name].GetLabels()), "kustomize.toolkit.fluxcd.io/name", "apps"))
	}
	role := at.objects["Role tbot-output"]
	role.SetAnnotations(map[string]string{"argocd.argoproj.io/tracking-id": "shop:x"})
	bot := markedBot("robot", setup().InstallID())
	bot.Metadata.Labels[types.OriginLabel] = types.OriginKubernetes
	at.bots["robot"] = bot
	found := at.look(t, false)
	if got, want := ids(found.Managed()), []string{"ConfigMap machines/tbot-config", "bot robot"}; !slices.Equal(got, want) {
		t.Errorf("managed %v, want %v", got, want)
	}
	if slices.Contains(found.Users, "bot-robot") {
		t.Errorf("the certificates of a bot that stays are called ended: %v", found.Users)
	}
	if kept := item(t, found, "Role"); kept.Fate != undo.Keep || kept.Reason != "not made by tbotctl" {
		t.Errorf("%+v", kept)
	}
	if kept := item(t, found, "Namespace"); kept.Fate != undo.Keep || !strings.Contains(kept.Reason, "managed by Flux") {
		t.Errorf("%+v", kept)
	}
}

func labelsOf(labels map[string]string) map[string]string {
	if labels == nil {
		return map[string]string{}
	}
	return labels
}

// A token that a tool has come to keep since it was looked at is left alone.
func TestManagedMeanwhile(t *testing.T) {
	t.Parallel()
	at := installed(t)
	found := at.look(t, false)
	for _, token := range at.tokens {
		token.Metadata.Labels[spec.MarkOwner] = "terraform"
	}
	runner := undo.Runner{Kubernetes: at, Teleport: at, Observe: func(apply.Event) {}, Now: time.Now}
	if _, err := runner.Run(t.Context(), found); !errors.Is(err, undo.ErrChangedHands) || !strings.Contains(err.Error(), "managed by Terraform") {
		t.Errorf("error %v", err)
	}
}
