package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/wizard"
)

// lookForTokens begins to list the join tokens, beside the other looks; the returned function waits for them. It is a help: where tokens may
// not be listed, or only with a touch, there are none. Whoever names a token has decided.
func (r *initRun) lookForTokens(ctx context.Context) func() ([]teleport.JoinToken, error) {
	if r.given(wizard.FlagTokenName) || r.setup.IsAgent() {
		return func() ([]teleport.JoinToken, error) { return nil, nil }
	}
	return begin(func() ([]teleport.JoinToken, error) {
		admin, err := r.clusters.admin(ctx)
		if err != nil {
			return nil, err
		}
		return admin.Tokens(ctx)
	})
}

// offerToken stops a run that would make a second join token for a service account that one of those found admits already, and offers that
// one; a person at a terminal was offered it among the names.
func (r *initRun) offerToken(ctx context.Context, look func() ([]teleport.JoinToken, error)) error {
	listed, _ := look()
	n, trusted := r.setup.Names(), r.clusters.trustedBy(ctx)
	for _, token := range listed {
		if token.Name == n.Token || token.Bot == "" || !token.Admits(n.Namespace, n.ServiceAccount) || !trusted(token) {
			continue
		}
		return &findingError{text: doubled(token, n, r.setup.InstallID())}
	}
	return ctx.Err()
}

// doubled says which token is there and how to go on with it or beside it.
func doubled(token teleport.JoinToken, n spec.Names, install string) string {
	use := fmt.Sprintf("--token-name %s --bot-name %s", spec.ShellWord(token.Name), spec.ShellWord(token.Bot))
	if token.Install != install {
		use += " --take-over"
	}
	return strings.Join([]string{
		fmt.Sprintf("join token %s already admits service account %s/%s of this cluster, as bot %s; nothing was applied.",
			ui.Clean(token.Name), n.Namespace, n.ServiceAccount, ui.Clean(token.Bot)),
		"To go on with it: " + use,
		"To make another beside it: --token-name " + n.Token,
	}, "\n  ")
}

// trustedBy tells of a token whether it trusts the keys of this Kubernetes cluster. What cannot be compared does not.
func (c *clusters) trustedBy(ctx context.Context) func(teleport.JoinToken) bool {
	cluster, err := c.issuer(ctx)
	if err != nil {
		return func(teleport.JoinToken) bool { return false }
	}
	return func(token teleport.JoinToken) bool {
		switch spec.JoinType(token.Type) {
		case spec.JoinOIDC:
			return token.Issuer == cluster.Issuer
		case spec.JoinStaticJWKS:
			keys, _, err := issuer.ParseJWKS(token.JWKS)
			return err == nil && cluster.SigningKeyID != "" && keys.Has(cluster.SigningKeyID)
		case spec.JoinInCluster, spec.JoinAuto:
		}
		return false
	}
}
