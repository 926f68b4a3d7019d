package undo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// longestLifetime is the most that tbot takes for its credentials (teleport-facts 2.9): what is assumed where its configuration
// cannot be read.
const longestLifetime = 24 * time.Hour

// configuration is what the installed tbot.yaml says about the join.
type configuration struct {
	tokens   []string
	lifetime time.Duration
	// argoCD are the namespaces of Argo CD that it writes to.
	argoCD []string
}

// configured reads the tbot.yaml of every ConfigMap that is to go: a token that was made under another name than today's is still
// the one that pods join by.
func (l *look) configured(ctx context.Context, configMaps []Item) (configuration, error) {
	running := configuration{lifetime: tbotconfig.DefaultCredentialTTL}
	for _, item := range configMaps {
		if item.Fate != Remove {
			continue
		}
		live, err := l.kubernetes.Read(ctx, item.Object)
		if err != nil {
			return running, err
		}
		if live == nil {
			continue
		}
		text, found, _ := unstructured.NestedString(live.Object, "data", manifests.ConfigFile)
		if _, agent, _ := unstructured.NestedString(live.Object, "data", manifests.ProxyCAFile); agent && !found {
			// An agent's holds the proxy's authority alone.
			continue
		}
		config, err := tbotconfig.Decode([]byte(text))
		if err != nil {
			l.unknown = append(l.unknown, fmt.Sprintf("%s could not be read, so its token is not known by name and certificates may live for %s: %v", item.ID(), longestLifetime, err))
			running.lifetime = longestLifetime
			continue
		}
		running.tokens = append(running.tokens, config.Onboarding.Token)
		running.lifetime = max(running.lifetime, config.Lifetime(nil))
		for _, output := range config.Outputs {
			running.lifetime = max(running.lifetime, config.Lifetime(output))
			if argo, is := output.(*tbotconfig.ArgoCD); is {
				running.argoCD = append(running.argoCD, cmp.Or(argo.SecretNamespace, l.names.Namespace))
			}
		}
	}
	return running, nil
}

// tokens judges the token of the Setup's name and those that the installed configuration names.
func (l *look) tokens(ctx context.Context, configured []string) ([]Item, error) {
	if !l.Setup.Side.HasTeleport() {
		return nil, nil
	}
	names := append([]string{l.names.Token}, configured...)
	slices.Sort(names[1:])
	var items []Item
	for i, name := range names {
		if name == "" || slices.Contains(names[:i], name) {
			continue
		}
		live, err := l.teleport.Token(ctx, name)
		if err != nil {
			return nil, err
		}
		item := Item{System: manifests.Teleport, Kind: "token", Name: name, Fate: Gone}
		if live != nil {
			item = l.owned(item, live.GetMetadata().Labels)
			l.agent = l.agent || item.Fate == Remove && live.Spec.BotName == ""
		}
		items = append(items, item)
	}
	return items, nil
}

// bots judges the bot of the Setup's name and finds others by their marks; held are the roles of all of them. A list that the login
// may not read is no reason to stop, and said.
func (l *look) bots(ctx context.Context) (items []Item, users, held []string, err error) {
	if l.names.Bot == "" || !l.Setup.Side.HasTeleport() {
		return nil, nil, nil, nil // an agent has none
	}
	live, err := l.teleport.Bot(ctx, l.names.Bot)
	if err != nil {
		return nil, nil, nil, err
	}
	held = live.GetSpec().GetRoles()
	named := Item{System: manifests.Teleport, Kind: "bot", Name: l.names.Bot, Fate: Gone}
	if live != nil {
		named = l.owned(named, live.GetMetadata().GetLabels())
	}
	if named.Fate == Remove {
		users = append(users, userOf(live.GetStatus().GetUserName(), l.names.Bot))
	}
	items = append(items, named)
	all, err := l.teleport.Bots(ctx)
	if err != nil {
		l.unknown = append(l.unknown, fmt.Sprintf("whether there are bots of this installation under other names: %v", err))
		return items, users, held, ctx.Err()
	}
	for _, bot := range all {
		name := bot.GetMetadata().GetName()
		if name == l.names.Bot || bot.GetMetadata().GetLabels()[spec.MarkInstall] != l.install {
			continue
		}
		item := l.owned(Item{System: manifests.Teleport, Kind: "bot", Name: name}, bot.GetMetadata().GetLabels())
		items = append(items, item)
		if item.Fate == Remove {
			users = append(users, userOf(bot.GetStatus().GetUserName(), name))
		}
		held = append(held, bot.GetSpec().GetRoles()...)
	}
	return items, users, held, nil
}

// roles judges the role that goes with each bot, by its name, also where the bot is gone or no longer has it: a run that was broken
// off may have left it. Where none of the bots has it, a look that is impossible is said and stops nothing.
func (l *look) roles(ctx context.Context, bots []Item, held []string) (items []Item, err error) {
	for _, bot := range bots {
		if bot.Name == "" {
			continue
		}
		item := Item{System: manifests.Teleport, Kind: "role", Name: spec.KubeRoleOf(bot.Name), Fate: Gone}
		expected := item.Name == l.names.KubeRole || slices.Contains(held, item.Name)
		live, err := l.teleport.Role(ctx, item.Name)
		switch {
		case err != nil && expected:
			return nil, err
		case err != nil:
			l.unknown = append(l.unknown, fmt.Sprintf("whether there is a role of this installation: %v", err))
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		case live != nil:
			item = l.owned(item, live.GetMetadata().Labels)
		}
		if live == nil && !expected || item.Fate == Keep && !expected {
			continue
		}
		items = append(items, item)
	}
	return items, nil
}

// userOf is the user of a bot's certificates (teleport-facts 5.2).
func userOf(user, bot string) string {
	if user == "" {
		return "bot-" + bot
	}
	return user
}

func (l *look) owned(item Item, labels map[string]string) Item {
	item.Fate = Remove
	return l.left(item, labels[spec.MarkInstall], owner.OfTeleport(labels))
}
