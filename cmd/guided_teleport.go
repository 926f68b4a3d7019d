package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/wizard"
)

// teleportLooks are the wizard's looks at Teleport.
type teleportLooks struct{ *guided }

// Profiles implements wizard.Teleport.
func (t teleportLooks) Profiles() ([]wizard.Profile, error) {
	found, err := teleport.Profiles(t.factory.env("TELEPORT_HOME"), t.factory.Now())
	profiles := make([]wizard.Profile, len(found))
	for i, p := range found {
		profiles[i] = wizard.Profile{Proxy: p.Proxy, Cluster: p.Cluster, User: p.User, Expires: p.Expires, Current: p.Current, Hardware: p.Hardware}
		if p.Err != nil {
			profiles[i].Problem = p.Err.Error()
		}
	}
	return profiles, err
}

// Proxy implements wizard.Teleport.
func (t teleportLooks) Proxy(ctx context.Context) (wizard.Proxy, error) {
	server, err := t.clusters.server(ctx)
	if err != nil {
		t.stale = true
		return wizard.Proxy{}, err
	}
	proxy := wizard.Proxy{ClusterName: server.ClusterName, Version: server.Version}
	look, err := teleport.LookAt(ctx, t.clusters.target, t.clusters.clock())
	if err != nil {
		// It has just answered, so this is for people only.
		return proxy, ctx.Err()
	}
	proxy.LoadBalancer = look.LoadBalancer
	proxy.Certificate = fmt.Sprintf("Its certificate is by %s, until %s.", look.Certificate.Issuer, look.Certificate.Expires.UTC().Format(time.DateOnly))
	return proxy, ctx.Err()
}

// Login implements wizard.Teleport.
func (t teleportLooks) Login(ctx context.Context) (wizard.Login, error) {
	admin, err := t.clusters.admin(ctx)
	if err != nil {
		t.stale = true
		return wizard.Login{}, err
	}
	var login wizard.Login
	login.User, login.Expires = admin.User()
	wanted, err := admin.AdminMFA(ctx, t.clusters.target)
	if err != nil || !wanted {
		// Where it cannot be told, the first write that is refused for want of a touch tells it.
		return login, ctx.Err()
	}
	login.Touches = "This cluster wants admin actions confirmed by a touch of a hardware key: one touch, when bot and token are written after you have seen the plan"
	if path, why := t.lookForTctl(); why == "" {
		login.Touches += fmt.Sprintf("; %s asks for it.", path)
	} else {
		login.Touches += fmt.Sprintf("; %s, so the Teleport side will be written to a file.", why)
	}
	return login, nil
}

// Roles implements wizard.Teleport.
func (t teleportLooks) Roles(ctx context.Context) ([]wizard.Role, error) {
	admin, err := t.clusters.admin(ctx)
	if err != nil {
		return nil, err
	}
	found, err := admin.Roles(ctx)
	roles := make([]wizard.Role, len(found))
	for i, role := range found {
		roles[i] = wizard.Role{Name: role.Name, Description: role.Description}
	}
	return roles, err
}

// Bots implements wizard.Teleport.
func (t teleportLooks) Bots(ctx context.Context) ([]wizard.Bot, error) {
	admin, err := t.clusters.admin(ctx)
	if err != nil {
		return nil, err
	}
	found, err := admin.Bots(ctx)
	bots := make([]wizard.Bot, len(found))
	for i, bot := range found {
		bots[i] = wizard.Bot{
			Name: bot.GetMetadata().GetName(), Roles: bot.GetSpec().GetRoles(),
			Ours: bot.GetMetadata().GetLabels()[spec.MarkInstall] != "",
		}
	}
	return bots, err
}

// Tokens implements wizard.Teleport. Where listing takes a touch, nobody is asked for one.
func (t teleportLooks) Tokens(ctx context.Context) ([]wizard.Token, error) {
	admin, err := t.clusters.admin(ctx)
	if err != nil {
		return nil, err
	}
	found, err := admin.Tokens(ctx)
	n, known := t.setup.Names(), t.clusters.trustedBy(ctx)
	tokens := make([]wizard.Token, len(found))
	for i, token := range found {
		tokens[i] = wizard.Token{
			Name: token.Name, Bot: token.Bot, Ours: token.Install != "",
			Admits: token.Bot != "" && token.Admits(n.Namespace, n.ServiceAccount) && known(token),
		}
	}
	return tokens, err
}

// KubeClusters implements wizard.Teleport. It looks anew each time, for somebody may be enrolling one.
func (t teleportLooks) KubeClusters(ctx context.Context) ([]spec.ResolvedCluster, error) {
	t.clusters.listed = checks.Once(t.clusters.listKube)
	return t.clusters.kubeClusters(ctx)
}
