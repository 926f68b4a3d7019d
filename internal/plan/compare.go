package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// steadyLooks is how often an object is looked at that others keep changing meanwhile.
const steadyLooks = 5

// compareObject looks again where a controller wrote between the look and the dry run, as the Deployment's does just after an
// apply: its work would show as a change of ours.
func compareObject(ctx context.Context, wanted *unstructured.Unstructured, installID string, kubernetes Kubernetes) (item Item, err error) {
	for range steadyLooks {
		var steady bool
		if item, steady, err = lookAtObject(ctx, wanted, installID, kubernetes); err != nil || steady {
			break
		}
	}
	return item, err
}

// lookAtObject lets the server itself say what applying would leave behind: a dry run completes defaults and runs admission, so
// that only real differences show.
func lookAtObject(ctx context.Context, wanted *unstructured.Unstructured, installID string, kubernetes Kubernetes) (item Item, steady bool, err error) {
	live, err := kubernetes.Read(ctx, wanted)
	if err != nil {
		return Item{}, false, err
	}
	if live == nil {
		return Item{Action: Create}, true, nil
	}
	maker := owner.Maker(live.GetAnnotations()[spec.MarkInstall], installID)
	switch manager := owner.OfObject(live); {
	case maker != "" && wanted.GetKind() == "Namespace":
		// A namespace is asked for, not owned: one that is there serves as it is.
		return Item{Action: Same}, true, nil
	case !manager.None():
		return managedObject(wanted, live, maker, manager), true, nil
	case otherRole(live, wanted) != "":
		return Item{Action: Conflict, Reason: OtherRole, Owner: said(maker, otherRole(live, wanted)), Changes: differing(wanted, live)}, true, nil
	case maker != "":
		return Item{Action: Conflict, Reason: whose(live.GetAnnotations()[spec.MarkInstall], installID), Owner: maker, Changes: differing(wanted, live)}, true, nil
	}
	after, err := kubernetes.Apply(ctx, wanted, true)
	if errors.Is(err, ErrNoDryRun) {
		return compareByReading(wanted, live), true, nil
	}
	if held := heldFields(err); held != "" {
		return Item{Action: Conflict, Reason: HeldFields, Owner: held, Changes: differing(wanted, live)}, true, nil
	}
	if words := refusal(err); words != "" {
		item := judge(differing(wanted, live))
		if item.Action != Same { // what is there stays as it is, whatever a policy thinks of it now
			item.Refused = words
		}
		return item, true, nil
	}
	if err != nil {
		return Item{}, false, err
	}
	return judge(Diff(settled(live), settled(after))), live.GetResourceVersion() == after.GetResourceVersion(), nil
}

// defaultBotSession is what the server writes down where a bot says nothing (teleport-facts 5.2), which is no difference. What
// somebody else chose would be lost with an update, so it is one.
const defaultBotSession = 12 * time.Hour

func compareBot(ctx context.Context, wanted *machineidv1.Bot, installID string, teleport Teleport) (Item, error) {
	live, err := teleport.Bot(ctx, wanted.GetMetadata().GetName())
	if errors.Is(err, ErrUnseen) {
		return Item{Action: Unseen, Owner: err.Error()}, nil
	}
	if err != nil || live == nil {
		return Item{Action: Create}, err
	}
	before, err := botFields(live)
	if err != nil {
		return Item{}, err
	}
	after, err := botFields(wanted)
	if err != nil {
		return Item{}, err
	}
	if ttl := live.GetSpec().GetMaxSessionTtl(); wanted.GetSpec().GetMaxSessionTtl() == nil && ttl.AsDuration() == defaultBotSession {
		unstructured.RemoveNestedField(before, "spec", "maxSessionTtl")
	}
	return judgeOwned(before, after, live.GetMetadata().GetLabels(), installID), nil
}

func compareToken(ctx context.Context, wanted *types.ProvisionTokenV2, installID string, teleport Teleport) (Item, error) {
	live, err := teleport.Token(ctx, wanted.GetName())
	if errors.Is(err, ErrUnseen) {
		return Item{Action: Unseen, Owner: err.Error()}, nil
	}
	if err != nil || live == nil {
		return Item{Action: Create}, err
	}
	before, err := tokenFields(live)
	if err != nil {
		return Item{}, err
	}
	after, err := tokenFields(wanted)
	if err != nil {
		return Item{}, err
	}
	if bot := live.Spec.BotName; bot != "" && wanted.Spec.BotName == "" {
		// An agent of a tbot's name: the tbot would be let in no more.
		return Item{Action: Conflict, Reason: Foreign, Owner: "it lets in bot " + bot, Changes: Diff(before, after)}, nil
	}
	return judgeOwned(before, after, live.GetMetadata().Labels, installID), nil
}

// compareRole compares the role's version too: it decides what kinds and verbs mean (teleport-facts 9).
func compareRole(ctx context.Context, wanted *types.RoleV6, installID string, teleport Teleport) (Item, error) {
	live, err := teleport.Role(ctx, wanted.GetName())
	if errors.Is(err, ErrUnseen) {
		return Item{Action: Unseen, Owner: err.Error()}, nil
	}
	if err != nil || live == nil {
		return Item{Action: Create}, err
	}
	before, err := roleFields(live)
	if err != nil {
		return Item{}, err
	}
	after, err := roleFields(wanted)
	if err != nil {
		return Item{}, err
	}
	return judgeOwned(before, after, live.GetMetadata().Labels, installID), nil
}

// judgeOwned judges the fields of a Teleport resource by who made it and who keeps it.
func judgeOwned(before, after map[string]any, labels map[string]string, installID string) Item {
	maker := owner.Maker(labels[spec.MarkInstall], installID)
	switch manager := owner.OfTeleport(labels); {
	case !manager.None():
		return managedResource(before, after, maker, manager)
	case maker != "":
		return Item{Action: Conflict, Reason: whose(labels[spec.MarkInstall], installID), Owner: maker, Changes: Diff(before, after)}
	}
	return judge(Diff(before, after))
}

func judge(changes []Change) Item {
	if len(changes) == 0 {
		return Item{Action: Same}
	}
	return Item{Action: Update, Changes: changes}
}

// whose tells an installation of ours that was made for other clusters from what is somebody else's.
func whose(mark, installID string) Reason {
	theirs, marked := spec.ReadInstall(mark)
	ours, _ := spec.ReadInstall(installID)
	if marked && theirs.SamePlace(ours) {
		return OtherPair
	}
	return Foreign
}

// settled leaves out what the server keeps for itself.
func settled(object *unstructured.Unstructured) map[string]any {
	copied := object.DeepCopy().Object
	delete(copied, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(copied, "metadata", field)
	}
	return copied
}

// prune cuts a live value down to what we would declare: what others added, and the server by itself, is not ours to show.
func prune(wanted, live any) any {
	switch w := wanted.(type) {
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return live
		}
		kept := map[string]any{}
		for key, value := range w {
			if have, found := l[key]; found {
				kept[key] = prune(value, have)
			}
		}
		return kept
	case []any:
		l, ok := live.([]any)
		if !ok {
			return live
		}
		kept := slices.Clone(l)
		for i := range min(len(w), len(l)) {
			kept[i] = prune(w[i], l[i])
		}
		return kept
	}
	return live
}

func botFields(bot *machineidv1.Bot) (map[string]any, error) {
	encoded, err := protojson.Marshal(bot)
	if err != nil {
		return nil, fmt.Errorf("reading bot %s: %w", bot.GetMetadata().GetName(), err)
	}
	return teleportFields(encoded)
}

// tokenFields completes the token the way the server does, so that a default that it wrote down is no difference. A live one may
// be older than a rule that it breaks, and is compared as it stands; ours was held to the rules when it was rendered.
func tokenFields(token *types.ProvisionTokenV2) (map[string]any, error) {
	completed := *token
	if completed.CheckAndSetDefaults() != nil {
		completed = *token
	}
	encoded, err := json.Marshal(&completed)
	if err != nil {
		return nil, fmt.Errorf("reading token %s: %w", token.GetName(), err)
	}
	return teleportFields(encoded)
}

// roleFields completes the role as tokenFields does a token.
func roleFields(role *types.RoleV6) (map[string]any, error) {
	completed := *role
	if completed.CheckAndSetDefaults() != nil {
		completed = *role
	}
	encoded, err := json.Marshal(&completed)
	if err != nil {
		return nil, fmt.Errorf("reading role %s: %w", role.GetName(), err)
	}
	fields, err := teleportFields(encoded)
	if err != nil {
		return nil, err
	}
	fields["version"] = role.GetVersion()
	return fields, nil
}

// teleportFields keeps what a person decides: the spec, the labels, and when the resource ends.
func teleportFields(encoded []byte) (map[string]any, error) {
	var all struct {
		Metadata struct {
			Labels  map[string]any `json:"labels"`
			Expires string         `json:"expires"`
		} `json:"metadata"`
		Spec map[string]any `json:"spec"`
	}
	if err := json.Unmarshal(encoded, &all); err != nil {
		return nil, fmt.Errorf("reading a Teleport resource: %w", err)
	}
	if never(all.Metadata.Expires) {
		all.Metadata.Expires = ""
	}
	return map[string]any{"metadata": map[string]any{"labels": all.Metadata.Labels, "expires": all.Metadata.Expires}, "spec": all.Spec}, nil
}

// never knows the ways in which the server writes that a resource has no end (teleport-facts 3.6).
func never(expires string) bool {
	at, err := time.Parse(time.RFC3339, expires)
	return err == nil && (at.IsZero() || at.Unix() == 0)
}
