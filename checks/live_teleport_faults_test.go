package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/issuer"
)

// refusedWith is what both witnesses tell of a join that Teleport turned down.
func (s *teleportSide) refusedWith(text string) {
	s.joins = append([]JoinEvent{{Time: labNow(), Bot: "robot", Token: "door", Error: text, ServiceAccount: "machines/tbot"}}, s.joins...)
	s.logs[0].Lines = append(s.logs[0].Lines, "WARN [TBOT] Failed to renew bot identity. error:["+text+"] tbot/tbot.go:3")
}

// TestTeleportFaults breaks one thing at a time: one check fails as its cause, every other failure is a symptom, and the command of the
// fix, where it writes a join token, mends it.
func TestTeleportFaults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil func(*testing.T, *teleportSide)
		cause ID
		warns []ID
		// says and fix are parts of the finding.
		says, fix string
		// mends tells that the fix is a join token to be written.
		mends bool
	}{
		"nothing": {spoil: func(*testing.T, *teleportSide) {}},
		"P03: the keys were rotated": {
			spoil: func(t *testing.T, s *teleportSide) {
				t.Helper()
				s.cluster.Keys = labKeys(t, "key-new")
				s.public.Keys = s.cluster.Keys
				s.refusedWith("reviewing kubernetes token with static_jwks\n\tvalidating jwt signature\n\t\tgo-jose/go-jose: JWK with matching kid not found in JWK Set")
			},
			cause: TokenSigner, says: `holds "key-now"; the API server publishes "key-new"`, mends: true,
		},
		"P03: of two keys the one that signs is lacking, as Teleport says": {
			spoil: func(t *testing.T, s *teleportSide) {
				t.Helper()
				s.cluster.Keys = append(slices.Clone(s.cluster.Keys), labKeys(t, "key-new")...)
				s.public = issuer.PublicResult{Kind: issuer.FailurePrivateAddress}
				s.refusedWith("reviewing kubernetes token with static_jwks\n\tvalidating jwt signature\n\t\tgo-jose/go-jose: unsupported key type/format")
			},
			cause: TokenSigner, says: "unsupported key type/format", mends: true,
		},
		"one of two keys is lacking": {
			spoil: func(t *testing.T, s *teleportSide) {
				t.Helper()
				s.cluster.Keys = append(slices.Clone(s.cluster.Keys), labKeys(t, "key-next")...)
			},
			warns: []ID{TokenSigner}, says: "--prove", mends: true,
		},
		"P03: a key of this name from another cluster": {
			spoil: func(t *testing.T, s *teleportSide) {
				t.Helper()
				s.cluster.Keys = labKeys(t, "key-now")
				s.cluster.SigningKeyID = "key-now"
				s.public = issuer.PublicResult{Kind: issuer.FailureDNS}
			},
			cause: TokenSigner, says: "the key of this name is another one", mends: true,
		},
		"P03 on EKS: the API server's keys do not sign": {
			spoil: func(t *testing.T, s *teleportSide) {
				t.Helper()
				s.cluster.Issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABCD"
				s.public.Issuer, s.public.Keys = s.cluster.Issuer, labKeys(t, "eks-signs")
			},
			cause: TokenSigner, warns: []ID{TokenRotates}, says: `the issuer "eks-signs"`, mends: true,
		},
		"P04: EKS rotates": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.cluster.Issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABCD"
				s.public.Issuer = s.cluster.Issuer
			},
			warns: []ID{TokenRotates}, says: "EKS rotates", mends: true,
		},
		"P05: the guide's comment is part of the keys": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.token.Spec.Kubernetes.StaticJWKS.JWKS = "# Place the data returned by the curl command here\n" + s.token.Spec.Kubernetes.StaticJWKS.JWKS
				s.refusedWith("reviewing kubernetes token with static_jwks\n\tparsing provided jwks\n\t\tinvalid character '#' looking for beginning of value")
			},
			cause: TokenKeys, says: "line 1 of the JWKS is a comment", mends: true,
		},
		"P05: zsh's mark": {
			spoil: func(_ *testing.T, s *teleportSide) { s.token.Spec.Kubernetes.StaticJWKS.JWKS += "%" }, cause: TokenKeys, says: "zsh", mends: true,
		},
		"P06: another name": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.token, s.names = nil, []string{"example-bot"}
				s.refusedWith(`"" can not join the cluster with role "Bot", token expired or not found`)
			},
			cause: TokenExists, says: `names join token "door", and cluster "lab.example.com" has none`,
			fix: `kubectl --namespace machines get configmap tbot-config --output json | sed 's#token: door#token: example-bot#' | kubectl replace --filename - && kubectl --namespace machines rollout restart deployment tbot`,
		},
		"P06: never made": {
			spoil: func(_ *testing.T, s *teleportSide) { s.token = nil }, cause: TokenExists, says: "has ended", fix: `"bot_name":"robot"`, mends: true,
		},
		"P06: ends soon": {
			spoil: func(_ *testing.T, s *teleportSide) { s.token.SetExpiry(time.Now().Add(time.Hour)) }, warns: []ID{TokenStays}, says: "ends at", mends: true,
		},
		"P06: ended": {
			spoil: func(_ *testing.T, s *teleportSide) { s.token.SetExpiry(time.Now().Add(-time.Hour)) }, cause: TokenStays, says: "ended at", mends: true,
		},
		"P07: another namespace": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.token.Spec.Kubernetes.Allow[0].ServiceAccount = "default:tbot"
				s.refusedWith("kubernetes token did not match any allow rules")
			},
			cause: TokenAdmits, says: `allows "default:tbot"`, mends: true,
		},
		"P07: the prefix": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.token.Spec.Kubernetes.Allow[0].ServiceAccount = "system:serviceaccount:machines:tbot"
			},
			cause: TokenAdmits, says: "prefix system:serviceaccount:", mends: true,
		},
		"P07: a wildcard": {
			spoil: func(_ *testing.T, s *teleportSide) { s.token.Spec.Kubernetes.Allow[0].ServiceAccount = "machines:*" },
			cause: TokenAdmits, says: "no wildcard", mends: true,
		},
		"P11: nobody can read the issuer": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer)
				s.public = issuer.PublicResult{Kind: issuer.FailureDNS, Detail: "no such host"}
				s.refusedWith("reviewing kubernetes token with oidc\n\tvalidating OIDC token\n\t\tOpenID Provider Configuration Discovery has failed\nlookup issuer: no such host")
			},
			cause: IssuerReadable, says: "P11", mends: true,
		},
		"P12: seen from here alone": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer)
				s.refusedWith("reviewing kubernetes token with oidc\n\tvalidating OIDC token\n\t\tOpenID Provider Configuration Discovery has failed\nx509: certificate signed by unknown authority")
			},
			cause: IssuerReadable, says: "P12", mends: true,
		},
		"P13: not for everybody, and nobody joined yet": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer)
				s.public = issuer.PublicResult{Kind: issuer.FailureUnauthorized}
				s.joins, s.logs = nil, nil
			},
			cause: IssuerReadable, says: "P13", mends: true,
		},
		"P15: an address of a private network, and nobody joined yet": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer)
				s.public = issuer.PublicResult{Kind: issuer.FailurePrivateAddress}
				s.joins, s.logs = nil, nil
			},
			cause: IssuerReadable, says: "P15", mends: true,
		},
		"P15: not seen from here, and joins are let in": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer)
				s.public = issuer.PublicResult{Kind: issuer.FailurePrivateAddress}
			},
			warns: []ID{IssuerReadable}, says: "Teleport read it",
		},
		"P16: a slash": {
			spoil: func(_ *testing.T, s *teleportSide) { ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer+"/") },
			cause: TokenIssuer, says: "a slash at the end", mends: true,
		},
		"P17: no bot": {
			spoil: func(_ *testing.T, s *teleportSide) { s.bot = nil; s.refusedWith("access denied") },
			cause: BotExists, says: `has bot_name "robot", and there is no such bot`, fix: `"metadata":{"name":"robot"}`,
		},
		"P17: a lock": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.lock = "1234"
				s.refusedWith(`lock targeting User:"bot-robot" is in force`)
			},
			cause: NothingLocked, says: `lock "1234" is in force`, fix: "tctl rm lock/1234",
		},
		"P18: an agent's token": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.token.Spec.Roles, s.token.Spec.BotName = types.SystemRoles{types.RoleApp}, ""
			},
			cause: TokenForBot, says: `has the roles ["App"]`, fix: `"roles":["App","Bot"]`, mends: true,
		},
		"P18: another method": {
			spoil: func(_ *testing.T, s *teleportSide) { s.token.Spec.JoinMethod = types.JoinMethodGitHub },
			cause: TokenForBot, says: `join_method "github"`, mends: true,
		},
		"P02: an old server and the cluster's name": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeInCluster, "")
				s.proxy.Version = "16.4.7"
			},
			cause: TokenFits, says: "P02", fix: `"op":"remove"`,
		},
		"P02: an old server that has said so": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeInCluster, "")
				s.proxy.Version = "16.4.7"
				s.refusedWith("kubernetes failed to validate token: [invalid bearer token, token audiences [\"lab.example.com\"] is invalid for the target audiences [\"https://kubernetes.default.svc\"]]")
			},
			cause: TokenFits, says: "Teleport says", fix: `"op":"remove"`,
		},
		"P42: on Teleport Cloud": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeUnspecified, "")
				s.proxy.ClusterName = "ours.teleport.sh"
			},
			cause: TokenFits, says: "P42", mends: true,
		},
		"P42: the Auth Service runs elsewhere": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeInCluster, "")
				s.refusedWith("reviewing kubernetes token with in_cluster\n\tfailed to initialize in-cluster Kubernetes config\n\t\tunable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined")
			},
			cause: TokenFits, says: "P42", mends: true,
		},
		"a server from before oidc": {
			spoil: func(_ *testing.T, s *teleportSide) {
				ofType(s.token, types.KubernetesJoinTypeOIDC, labIssuer)
				s.proxy.Version = "17.5.0"
			},
			cause: TokenFits, says: "the server is Teleport 17.5.0", mends: true,
		},
		"P23: no roles": {
			spoil: func(_ *testing.T, s *teleportSide) { s.bot, s.roles = robot(), nil },
			cause: RolesReach, says: "has no roles", fix: "tctl bots update robot --set-roles ROLE",
		},
		"P30: for Kubernetes clients": {
			spoil: func(t *testing.T, s *teleportSide) {
				t.Helper()
				s.entry.LoadBalancer = true
				s.workload = joining(t, labYAML+"  - type: kubernetes/v2\n    selectors: [{name: prod}]\n    disable_exec_plugin: true\n    destination: {type: kubernetes_secret, name: kube-out}\n")
				s.roles = []types.Role{reaching("access", nil, []string{"viewers"})}
			},
			cause: NoTLSEnd, says: "kubernetes/v2", fix: "layer 4",
		},
		"P30: for tbot alone": {
			spoil: func(_ *testing.T, s *teleportSide) { s.entry.LoadBalancer = true }, warns: []ID{NoTLSEnd}, says: "tbot copes",
		},
		"P32: another name, reached": {
			spoil: func(_ *testing.T, s *teleportSide) { s.entry.PublicAddr = "public.example.com:443" }, warns: []ID{PublicAddress},
			says: `"public.example.com:443"`, fix: "TBOT_USE_PROXY_ADDR",
		},
		"P32: another name, not reached": {
			spoil: func(_ *testing.T, s *teleportSide) {
				s.entry.PublicAddr = "public.example.com:443"
				s.logs[0].Lines = append(s.logs[0].Lines, "ERRO [TBOT] Failed. error:[dial tcp: lookup public.example.com: no such host] tbot.go:4")
			},
			cause: PublicAddress, says: "lookup public.example.com", fix: "TBOT_USE_PROXY_ADDR",
		},
		"P35: no right to read join tokens": {
			spoil: func(_ *testing.T, s *teleportSide) { s.forbidden = map[string]bool{"read token": true} }, warns: []ID{MayRead}, says: "ann may not: read token", fix: "tctl create",
		},
		"P34: a touch": {
			spoil: func(_ *testing.T, s *teleportSide) { s.touch = true }, warns: []ID{NoTouch}, says: "hardware key", fix: "--identity",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			side := soundSide(t)
			row.spoil(t, side)
			facts := side.facts()
			results := Run(t.Context(), teleportSideChecks(), facts, func(Result) {})
			var causes, warns []ID
			var finding Finding
			for _, result := range results {
				switch {
				case result.Finding.Status == Fail && !result.Check.Symptom:
					causes = append(causes, result.Check.ID)
					finding = result.Finding
				case result.Finding.Status == Warn:
					warns = append(warns, result.Check.ID)
					if row.cause == "" {
						finding = result.Finding
					}
				case result.Finding.Status == Unknown:
					t.Errorf("%s is unknown: %s", result.Check.ID, result.Finding.Observed)
				}
			}
			var want []ID
			if row.cause != "" {
				want = []ID{row.cause}
			}
			if !slices.Equal(causes, want) || !slices.Equal(warns, row.warns) {
				t.Fatalf("causes %v, warnings %v; want %v and %v", causes, warns, want, row.warns)
			}
			if !strings.Contains(finding.Observed, row.says) || !strings.Contains(finding.Fix, row.fix) {
				t.Errorf("finding %+v, want %q and the fix %q", finding, row.says, row.fix)
			}
			if finding.Status == Fail && (finding.Fix == "" || finding.Expected == "") {
				t.Errorf("finding %+v, want what is expected and a fix", finding)
			}
			if row.mends {
				side.mend(t, facts, finding.Fix, append(want, row.warns...))
			}
		})
	}
}

// mend writes what the fix writes, and looks again: what failed passes, and nothing else fails.
func (s *teleportSide) mend(t *testing.T, facts *Facts, fix string, failed []ID) {
	t.Helper()
	token := wrote(t, fix)
	if s.token != nil && token.Metadata.Labels["team"] != "it's ours" {
		t.Errorf("labels %v: what else the join token has is lost", token.Metadata.Labels)
	}
	facts.Live.Token = just(token)
	facts.Live.Joins, facts.Live.Logs = just([]JoinEvent(nil)), just([]Log(nil))
	for _, result := range Run(t.Context(), teleportSideChecks(), facts, func(Result) {}) {
		switch status := result.Finding.Status; {
		case status == Fail:
			t.Errorf("after the fix %s fails: %+v", result.Check.ID, result.Finding)
		case status == Warn && slices.Contains(failed, result.Check.ID):
			t.Errorf("after the fix %s still warns: %+v", result.Check.ID, result.Finding)
		}
	}
}

// reaching is a role that reaches every cluster.
func reaching(name string, users, groups []string) *types.RoleV6 {
	role := &types.RoleV6{Metadata: types.Metadata{Name: name}, Version: types.V7}
	role.Spec.Allow.KubernetesLabels = types.Labels{types.Wildcard: {types.Wildcard}}
	role.Spec.Allow.KubeUsers, role.Spec.Allow.KubeGroups = users, groups
	return role
}

// blindTo makes every look at Teleport fail.
func (s *teleportSide) blindTo(err error) *Facts {
	facts := s.facts()
	facts.Issuer = func(context.Context) (issuer.Cluster, error) { return issuer.Cluster{}, err }
	facts.Public = func(context.Context) (issuer.PublicResult, error) { return issuer.PublicResult{}, err }
	facts.Proxy = func(context.Context) (Proxy, error) { return Proxy{}, err }
	facts.Login = func(context.Context) (Login, error) { return Login{}, err }
	facts.TeleportMay = func(context.Context, []TeleportAccess) ([]Verdict, error) { return nil, err }
	l := facts.Live
	l.MaxAge = DefaultMaxAge
	l.Token = func(context.Context) (*types.ProvisionTokenV2, error) { return nil, err }
	l.TokenNames = func(context.Context) ([]string, error) { return nil, err }
	l.Bot = func(context.Context) (*machineidv1.Bot, error) { return nil, err }
	l.BotRoles = func(context.Context) ([]types.Role, error) { return nil, err }
	l.Lock = func(context.Context) (string, error) { return "", err }
	l.Joins = func(context.Context) ([]JoinEvent, error) { return nil, err }
	l.Logs = func(context.Context) ([]Log, error) { return nil, err }
	l.Instance = func(context.Context) (*machineidv1.BotInstance, error) { return nil, err }
	l.Entry = func(context.Context) (Entry, error) { return Entry{}, err }
	l.TouchWanted = func(context.Context) (bool, error) { return false, err }
	l.Joined = func(context.Context) (Proof, error) { return Proof{}, err }
	return facts
}

// TestForbiddenLooksAtTeleportAreUnknown asks each check alone, so that no need stands in its way.
func TestForbiddenLooksAtTeleportAreUnknown(t *testing.T) {
	t.Parallel()
	for _, check := range teleportSideChecks() {
		finding := Run(t.Context(), []Check{check}, soundSide(t).blindTo(errForbiddenLook), func(Result) {})[0].Finding
		if finding.Status != Unknown || !errors.Is(finding.Err, errForbiddenLook) || !strings.Contains(finding.Observed, errForbiddenLook.Error()) {
			t.Errorf("%s: %+v, want unknown with the cause", check.ID, finding)
		}
	}
}

// TestEachForbiddenLook denies one look at a time in a setup that is sound: nothing may fail by that.
func TestEachForbiddenLook(t *testing.T) {
	t.Parallel()
	for name, deny := range map[string]func(facts, blind *Facts){
		"token":  func(f, b *Facts) { f.Live.Token = b.Live.Token },
		"names":  func(f, b *Facts) { f.Live.TokenNames = b.Live.TokenNames },
		"bot":    func(f, b *Facts) { f.Live.Bot = b.Live.Bot },
		"roles":  func(f, b *Facts) { f.Live.BotRoles = b.Live.BotRoles },
		"lock":   func(f, b *Facts) { f.Live.Lock = b.Live.Lock },
		"joins":  func(f, b *Facts) { f.Live.Joins = b.Live.Joins },
		"logs":   func(f, b *Facts) { f.Live.Logs = b.Live.Logs },
		"entry":  func(f, b *Facts) { f.Live.Entry = b.Live.Entry },
		"issuer": func(f, b *Facts) { f.Issuer = b.Issuer },
		"public": func(f, b *Facts) { f.Public = b.Public },
		"proxy":  func(f, b *Facts) { f.Proxy = b.Proxy },
		"login":  func(f, b *Facts) { f.Login, f.TeleportMay = b.Login, b.TeleportMay },
	} {
		for _, kind := range []types.KubernetesJoinType{types.KubernetesJoinTypeStaticJWKS, types.KubernetesJoinTypeOIDC, types.KubernetesJoinTypeInCluster} {
			side := soundSide(t)
			if kind != types.KubernetesJoinTypeStaticJWKS {
				ofType(side.token, kind, labIssuer)
			}
			facts := side.facts()
			deny(facts, side.blindTo(errForbiddenLook))
			for _, result := range Run(t.Context(), teleportSideChecks(), facts, func(Result) {}) {
				if result.Finding.Status == Fail || result.Finding.Status == Warn {
					t.Errorf("%s, %s: %s: %+v", name, kind, result.Check.ID, result.Finding)
				}
			}
		}
	}
}

// TestWithoutALogin: what takes one is skipped with the reason.
func TestWithoutALogin(t *testing.T) {
	t.Parallel()
	facts := soundSide(t).facts()
	facts.Login, facts.TeleportMay, facts.Public = nil, nil, nil
	facts.Live = &Live{Workload: facts.Live.Workload}
	for _, check := range teleportSideChecks() {
		finding := Run(t.Context(), []Check{check}, facts, func(Result) {})[0].Finding
		if finding.Status != Skip || finding.Observed == "" {
			t.Errorf("%s: %+v, want a skip with the reason", check.ID, finding)
		}
	}
}

// TestTokenOfAnotherMethodAlone asks each check alone, as --only does, of a join token that has nothing for Kubernetes.
func TestTokenOfAnotherMethodAlone(t *testing.T) {
	t.Parallel()
	for _, check := range teleportSideChecks() {
		side := soundSide(t)
		side.token.Spec.Kubernetes, side.token.Spec.JoinMethod, side.token.Spec.BotName = nil, types.JoinMethodGitHub, ""
		side.refusedWith("kubernetes token did not match any allow rules")
		side.cluster, side.public = issuer.Cluster{}, issuer.PublicResult{}
		finding := Run(t.Context(), []Check{check}, side.facts(), func(Result) {})[0].Finding
		if finding.Status == Fail && check.ID != TokenForBot && !check.Symptom {
			t.Errorf("%s: %+v", check.ID, finding)
		}
	}
}
