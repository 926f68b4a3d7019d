package checks

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

const withoutLogin = "there is no Teleport login"

// tokenName is the join token that tbot.yaml names; empty where it names none, or a file that holds the name.
func (w Workload) tokenName() string {
	if name := w.Config.Onboarding.Token; !strings.HasPrefix(name, "/") {
		return name
	}
	return ""
}

// account is NAMESPACE:NAME of the service account, as allow rules have it.
func (w Workload) account() string {
	return w.Deployment.Namespace + ":" + w.serviceAccount()
}

// known gathers what is known of a join of this workload, for the rules that explain refusals. What could not be had stays empty and
// is then not said; the check whose fact it is says why.
func (l *Live) known(ctx context.Context, f *Facts) Known {
	w := l.Workload
	k := Known{Setup: f.Setup, Now: l.serverNow(ctx)}
	k.Setup.Kubernetes.Namespace, k.Setup.Kubernetes.ServiceAccount = w.Deployment.Namespace, w.serviceAccount()
	k.Setup.Teleport.TokenName, k.Setup.Teleport.Proxy = w.tokenName(), w.Config.ProxyServer
	k.Token, k.TokenMissing = had(ctx, l.Token)
	if k.Token != nil {
		k.Setup.Teleport.BotName = k.Token.Spec.BotName
		if l.Bot != nil {
			if bot, err := l.Bot(ctx); err == nil {
				exists := bot != nil
				k.BotExists = &exists
			}
		}
	}
	if l.Lock != nil {
		k.Lock, _ = had(ctx, l.Lock)
	}
	if f.Proxy != nil {
		if proxy, err := f.Proxy(ctx); err == nil {
			k.ClusterName, k.ServerVersion = proxy.ClusterName, proxy.Version
		}
	}
	k.Setup.Teleport.ClusterName = k.ClusterName
	if f.Issuer != nil {
		k.Cluster, _ = f.Issuer(ctx)
	}
	if f.Public != nil {
		k.Public, _ = f.Public(ctx)
	}
	if l.Presented != nil {
		k.Claims, _ = l.Presented(ctx)
	}
	return k
}

// had asks for a fact of which only the value matters; none tells that it was looked for and is not there.
func had[T comparable](ctx context.Context, fetch func(context.Context) (T, error)) (value T, none bool) {
	var empty T
	if fetch == nil {
		return empty, false
	}
	value, err := fetch(ctx)
	if err != nil {
		return empty, false
	}
	return value, value == empty
}

// outcome is how the last join ended, by the best witness.
type outcome struct {
	let bool
	// at is zero where the witness does not say.
	at      time.Time
	refusal Refusal
}

// lastJoin asks the pods' own words, then Teleport's audit log, then the bot instance. A false ok means that nobody tells.
func (l *Live) lastJoin(ctx context.Context, f *Facts) (last outcome, ok bool) {
	if l.Logs != nil {
		if logs, err := l.Logs(ctx); err == nil {
			if heard, found := listen(logs); found && heard.aspect == ofJoining {
				if heard.fine {
					return outcome{let: true}, true
				}
				return outcome{refusal: JudgeRefusal(heard.text, l.known(ctx, f))}, true
			}
		}
	}
	if l.Joins != nil {
		if joins, err := l.Joins(ctx); err == nil {
			if event, found := newestJoin(joins, l.Workload.account()); found {
				if event.Success {
					return outcome{let: true, at: event.Time}, true
				}
				return outcome{at: event.Time, refusal: JudgeRefusal(event.Error, l.known(ctx, f))}, true
			}
		}
	}
	if l.Instance != nil {
		if instance, err := l.Instance(ctx); err == nil && instance != nil {
			return outcome{let: true, at: lastSeen(instance)}, true
		}
	}
	return outcome{}, false
}

// refusedAs gives the last refusal where it is of one of these causes: what the two sides show can leave open what Teleport knows.
func (l *Live) refusedAs(ctx context.Context, f *Facts, causes ...string) (Refusal, bool) {
	last, ok := l.lastJoin(ctx, f)
	return last.refusal, ok && !last.let && slices.Contains(causes, last.refusal.ID)
}

// kubernetesType is the type of a join token of the kubernetes method, by Teleport's default where it is silent (teleport-facts 3.6).
func kubernetesType(token *types.ProvisionTokenV2) spec.JoinType {
	if token.Spec.Kubernetes == nil {
		return ""
	}
	if token.Spec.Kubernetes.Type == types.KubernetesJoinTypeUnspecified {
		return spec.JoinInCluster
	}
	return spec.JoinType(token.Spec.Kubernetes.Type)
}

// rewritten is the command that writes a join token anew, changed; the rest of it stays as it is.
func rewritten(token *types.ProvisionTokenV2, change func(*types.ProvisionTokenSpecV2)) string {
	fresh := types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2,
		Metadata: types.Metadata{Name: token.Metadata.Name, Description: token.Metadata.Description, Labels: token.Metadata.Labels},
		Spec:     token.Spec,
	}
	if at := token.Expiry(); !at.IsZero() && at.Unix() != 0 {
		fresh.Metadata.Expires = &at
	}
	if token.Spec.Kubernetes != nil {
		settings := *token.Spec.Kubernetes
		fresh.Spec.Kubernetes = &settings
	}
	change(&fresh.Spec)
	return tctlCreate(&fresh)
}

// tctlCreate is the command that writes a resource of Teleport, also in the place of one that is there.
func tctlCreate(resource any) string {
	return "printf %s " + spec.ShellWord(compact(resource)) + " | tctl create -f"
}

// asStatic is the command that gives a join token a copy of the cluster's keys; empty where they are not known.
func asStatic(token *types.ProvisionTokenV2, keys issuer.Keys) string {
	jwks, err := issuer.StaticJWKS(keys, "")
	if err != nil || token.Spec.Kubernetes == nil {
		return ""
	}
	return rewritten(token, func(s *types.ProvisionTokenSpecV2) {
		s.Kubernetes.Type, s.Kubernetes.OIDC = types.KubernetesJoinTypeStaticJWKS, nil
		s.Kubernetes.StaticJWKS = &types.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: jwks}
	})
}

// asOIDC is the command that lets Teleport read the keys from the issuer itself; empty for a token that is of another method.
func asOIDC(token *types.ProvisionTokenV2, name string) string {
	if token.Spec.Kubernetes == nil {
		return ""
	}
	return rewritten(token, func(s *types.ProvisionTokenSpecV2) {
		s.Kubernetes.Type, s.Kubernetes.StaticJWKS = types.KubernetesJoinTypeOIDC, nil
		s.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: name}
	})
}

// liveKeys are the keys that the cluster may sign with: the API server's, and the issuer's where they are of the same issuer. On EKS
// the issuer's alone sign (field-notes P03), so the others are left out there.
func liveKeys(cluster issuer.Cluster, public issuer.PublicResult) issuer.Keys {
	fromIssuer := issuer.Keys{}
	if public.Reachable && public.Issuer == cluster.Issuer {
		fromIssuer = public.Keys
	}
	if provider, _ := issuer.Provider(cluster.Issuer); provider == "EKS" && len(fromIssuer) > 0 {
		return fromIssuer
	}
	all := slices.Clone(cluster.Keys)
	for _, key := range fromIssuer {
		if !all.Has(key.KeyID) {
			all = append(all, key)
		}
	}
	return all
}
