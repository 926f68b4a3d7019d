package undo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubetypes "k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// east is a cluster that the bot reaches, with the binding of an installation; an empty mark is nobody's.
func east(kind, mark string) *site {
	binding := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind}}
	binding.SetName("tbot-1a2b3c4d-kubernetes")
	binding.SetUID(kubetypes.UID("uid of the " + kind))
	binding.SetLabels(map[string]string{spec.LabelManagedBy: spec.ManagedBy})
	if mark != "" {
		binding.SetAnnotations(map[string]string{spec.MarkInstall: mark})
	}
	return &site{objects: map[string]*unstructured.Unstructured{kind + " " + binding.GetName(): binding}, fails: map[string]error{}}
}

func targeted(contexts map[string]*site) undo.Target {
	target := undo.Target{Setup: setup(), Targets: map[string]undo.Kubernetes{}}
	target.Setup.Access = spec.AccessKubernetes
	for name, cluster := range contexts {
		target.Setup.Reach.Contexts = append(target.Setup.Reach.Contexts, name)
		target.Targets[name] = cluster
	}
	slices.Sort(target.Setup.Reach.Contexts)
	return target
}

// Bindings go when nothing runs any more and before the bot, each from its own cluster, and each once whatever contexts lead there.
func TestBindingsOfTargets(t *testing.T) {
	t.Parallel()
	here, there := installed(t), east("ClusterRoleBinding", setup().InstallID())
	target := targeted(map[string]*site{"east": there, "east-again": there, "home": here})
	found, err := undo.Look(t.Context(), target, here, here)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"token tbot-1a2b3c4d", "Deployment machines/tbot", "ClusterRoleBinding tbot-1a2b3c4d-kubernetes in context east",
		"RoleBinding machines/tbot-output", "Role machines/tbot-output", "ConfigMap machines/tbot-config", "ServiceAccount machines/tbot",
		"bot tbot-1a2b3c4d", "Namespace machines",
	}
	if got := ids(found.Of(undo.Remove)); !slices.Equal(got, want) || len(found.Unknown) > 0 {
		t.Errorf("the order is %v, want %v; unknown %v", got, want, found.Unknown)
	}
	var events []apply.Event
	runner := here.runner(&events)
	runner.Targets = target.Targets
	if _, err := runner.Run(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(there.deleted, []string{"ClusterRoleBinding tbot-1a2b3c4d-kubernetes"}) || slices.Contains(here.deleted, there.deleted[0]) {
		t.Errorf("deleted there %v, here %v", there.deleted, here.deleted)
	}
}

// What stands under the name and is somebody else's stays; what nobody may list is said, and what a namespace shows is found.
func TestBindingsThatAreNotSeenWhole(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "bindings"}, "", errors.New("no"))
	look := func(there *site, namespace string) (undo.Inventory, error) {
		target := targeted(map[string]*site{"east": there})
		target.Setup.Reach.Namespace = namespace
		here := installed(t)
		return undo.Look(t.Context(), target, here, here)
	}
	fate := func(found undo.Inventory) (fates []undo.Fate) {
		for _, item := range found.Items {
			if item.System == manifests.Target {
				fates = append(fates, item.Fate)
			}
		}
		return fates
	}
	found, err := look(east("ClusterRoleBinding", ""), "")
	if err != nil || !slices.Equal(fate(found), []undo.Fate{undo.Keep}) {
		t.Errorf("somebody else's: %v, %v", fate(found), err)
	}
	found, err = look(&site{fails: map[string]error{}}, "apps")
	if err != nil || !slices.Equal(fate(found), []undo.Fate{undo.Gone}) {
		t.Errorf("none: %v, %v", fate(found), err)
	}
	limited := east("RoleBinding", setup().InstallID())
	limited.fails["List ClusterRoleBinding"] = forbidden
	found, err = look(limited, "apps")
	if err != nil || !slices.Equal(fate(found), []undo.Fate{undo.Remove}) || len(found.Unknown) != 1 || !strings.Contains(found.Unknown[0], "context east") {
		t.Errorf("who may not list everything: %v, unknown %v, %v", fate(found), found.Unknown, err)
	}
	broken := east("RoleBinding", setup().InstallID())
	broken.fails["List RoleBinding"] = errBroken
	if _, err := look(broken, ""); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), `context "east"`) {
		t.Errorf("a cluster that cannot be asked: %v", err)
	}
}
