package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// installation is what tryDelete remembers of one that init made.
type installation struct {
	Setup struct{ Bot, Token string }
}

// tryDelete removes a finished setup, once with the fault and once without, and holds both to it: all of the setup goes, and
// nothing else, neither the neighbour that tbotctl made nor what nobody made, nor the Secret that tbot wrote.
func tryDelete(ctx context.Context, s *stand) (outcome, error) {
	ours, err := s.install(ctx, "tbot")
	if err != nil {
		return outcome{}, err
	}
	neighbour, err := s.install(ctx, "neighbour")
	if err != nil {
		return outcome{}, err
	}
	if err := s.bystanders(ctx); err != nil {
		return outcome{}, err
	}
	_, others, err := s.standing(ctx, "tbot")
	if err != nil {
		return outcome{}, err
	}
	untouched := func() error { return s.untouched(ctx, others, neighbour) }

	s.arm()
	args := s.args("delete")
	first, err := s.disturbed(ctx, args)
	if err != nil {
		return outcome{}, err
	}
	if err := first.judge(s.fault); err != nil {
		return outcome{}, err
	}
	seen := s.outcome()
	if err := untouched(); err != nil {
		return outcome{}, err
	}
	if err := inProcess(ctx, args, time.Now).want("the run after it"); err != nil {
		return outcome{}, err
	}
	if err := s.gone(ctx, "tbot", ours); err != nil {
		return outcome{}, err
	}
	return seen, untouched()
}

// install makes an installation under a name.
func (s *stand) install(ctx context.Context, name string) (installation, error) {
	run := inProcess(ctx, s.args("init", "--name", name, "--roles", "access", "--no-wait", "--prove", "never", "-o", "json"), time.Now)
	if err := run.want("making " + name); err != nil {
		return installation{}, err
	}
	var made installation
	if err := json.Unmarshal([]byte(run.stdout), &made); err != nil {
		return installation{}, err
	}
	if made.Setup.Bot == "" || made.Setup.Token == "" {
		return installation{}, fmt.Errorf("init named no bot and no token: %s", run.stdout)
	}
	return made, nil
}

// bystanders are the Secret that tbot writes, and what somebody else keeps in the namespace.
func (s *stand) bystanders(ctx context.Context) error {
	client := s.ground.plane.Client().CoreV1()
	output := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "tbot-output"}, StringData: map[string]string{"identity": "as tbot writes it"}}
	if _, err := client.Secrets(s.namespace).Create(ctx, output, metav1.CreateOptions{FieldManager: "tbot"}); err != nil {
		return err
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "somebodys", Labels: map[string]string{spec.LabelManagedBy: "Helm"}}}
	_, err := client.ConfigMaps(s.namespace).Create(ctx, config, metav1.CreateOptions{})
	return err
}

// kinds are those of what an installation consists of, and of the bystanders.
func kinds() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{
		{Version: "v1", Resource: "configmaps"},
		{Version: "v1", Resource: "secrets"},
		{Version: "v1", Resource: "serviceaccounts"},
		{Version: "v1", Resource: "pods"},
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "apps", Version: "v1", Resource: "replicasets"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	}
}

// standing lists the objects of the namespace by their UIDs: those of one installation, and all others.
func (s *stand) standing(ctx context.Context, name string) (ours, others map[types.UID]string, err error) {
	ours, others = map[types.UID]string{}, map[types.UID]string{}
	for _, kind := range kinds() {
		list, err := s.ground.plane.Dynamic().Resource(kind).Namespace(s.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, nil, err
		}
		for _, object := range list.Items {
			into := others
			if labels := object.GetLabels(); labels[spec.LabelManagedBy] == spec.ManagedBy && labels[spec.LabelInstance] == name {
				into = ours
			}
			into[object.GetUID()] = kind.Resource + "/" + object.GetName()
		}
	}
	return ours, others, nil
}

// untouched holds a deletion to its own: the others are the same objects as before.
func (s *stand) untouched(ctx context.Context, before map[types.UID]string, neighbour installation) error {
	_, now, err := s.standing(ctx, "tbot")
	if err != nil {
		return err
	}
	var lost []string
	for uid, name := range before {
		if _, there := now[uid]; !there {
			lost = append(lost, name)
		}
	}
	if _, there := s.cluster.Bot(neighbour.Setup.Bot); !there {
		lost = append(lost, "bot/"+neighbour.Setup.Bot)
	}
	if _, there := s.cluster.Token(neighbour.Setup.Token); !there {
		lost = append(lost, "token/"+neighbour.Setup.Token)
	}
	if len(lost) > 0 {
		return fmt.Errorf("it removed what is not its own: %s", strings.Join(lost, ", "))
	}
	return nil
}

// gone holds a deletion to its word.
func (s *stand) gone(ctx context.Context, name string, made installation) error {
	ours, _, err := s.standing(ctx, name)
	if err != nil {
		return err
	}
	left := slices.Sorted(maps.Values(ours))
	if _, there := s.cluster.Bot(made.Setup.Bot); there {
		left = append(left, "bot/"+made.Setup.Bot)
	}
	if _, there := s.cluster.Token(made.Setup.Token); there {
		left = append(left, "token/"+made.Setup.Token)
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}
