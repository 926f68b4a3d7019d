package checks

import (
	"context"
	"fmt"
	"net"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// The checks of the Teleport cluster that a living setup joins.
const (
	BotExists     ID = "TBC306"
	NothingLocked ID = "TBC307"
	NoTLSEnd      ID = "TBC308"
	PublicAddress ID = "TBC309"
	NoTouch       ID = "TBC310"
	RolesReach    ID = "TBC311"
	MayRead       ID = "TBC312"
)

func liveTeleportChecks() []Check {
	return []Check{
		{
			ID: BotExists, Category: CategoryTeleport, Stage: Diagnosis, Needs: []ID{TokenForBot}, ProvedBy: JoinSaid, Problems: []string{"P17"}, Title: "the bot exists",
			Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
				token, lacking := l.token(ctx)
				if lacking != nil {
					return *lacking
				}
				bot, lacking := fetched(ctx, l.Bot, withoutLogin)
				if lacking != nil {
					return *lacking
				}
				return judgeBot(l.Workload, token.Spec.BotName, bot, lastRoles(ctx, f, l))
			}),
		},
		{
			ID: NothingLocked, Category: CategoryTeleport, Stage: Diagnosis, Needs: []ID{TokenForBot}, ProvedBy: JoinSaid, Problems: []string{"P17", "P36"},
			Title: "neither bot nor join token is locked",
			Run: lived(func(ctx context.Context, _ *Facts, l *Live) Finding {
				lock, lacking := fetched(ctx, l.Lock, withoutLogin)
				if lacking != nil {
					return *lacking
				}
				known := Known{}
				known.Token, _ = had(ctx, l.Token)
				known.Setup.Teleport.TokenName = l.Workload.tokenName()
				return judgeLock(lock, known)
			}),
		},
		{
			ID: NoTLSEnd, Category: CategoryTeleport, Stage: Diagnosis, Problems: []string{"P30"}, Title: "no load balancer ends TLS before the proxy",
			Run: lived(func(ctx context.Context, _ *Facts, l *Live) Finding {
				entry, lacking := fetched(ctx, l.Entry, "the proxy is not known")
				if lacking != nil {
					return *lacking
				}
				return judgeLoadBalancer(l.Workload, entry)
			}),
		},
		{
			ID: PublicAddress, Category: CategoryTeleport, Stage: Diagnosis, Problems: []string{"P32"}, Title: "the proxy names the address that tbot.yaml has",
			Run: lived(func(ctx context.Context, _ *Facts, l *Live) Finding {
				entry, lacking := fetched(ctx, l.Entry, "the proxy is not known")
				if lacking != nil {
					return *lacking
				}
				var said heard
				if l.Logs != nil {
					// What the log adds is only whether the address is in the way; another check says where it cannot be read.
					if logs, err := l.Logs(ctx); err == nil {
						said, _ = listen(logs)
					}
				}
				return judgePublicAddress(l.Workload, entry, said)
			}),
		},
		{
			ID: NoTouch, Category: CategoryTeleport, Stage: Diagnosis, Problems: []string{"P34"}, Title: "admin actions need no touch",
			Run: lived(func(ctx context.Context, _ *Facts, l *Live) Finding {
				wanted, lacking := fetched(ctx, l.TouchWanted, withoutLogin)
				if lacking != nil {
					return *lacking
				}
				return judgeTouch(wanted)
			}),
		},
		{
			ID: RolesReach, Category: CategoryTeleport, Stage: Diagnosis, Needs: []ID{BotExists}, ProvedBy: OutputValid, Problems: []string{"P23", "P24", "P25", "P26"},
			Title: "the bot's roles reach what its outputs are for",
			Run:   lived(runRolesReach),
		},
		{
			ID: MayRead, Category: CategoryTeleport, Stage: Diagnosis, ProvedBy: JoinSaid, Problems: []string{"P35"}, Title: "the Teleport login may read bots and join tokens",
			Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
				if l.Token == nil || f.TeleportMay == nil || f.Login == nil {
					return skipped(withoutLogin)
				}
				needs := DoctorNeeds()
				verdicts, err := f.TeleportMay(ctx, needs)
				if err != nil {
					return unknown(err)
				}
				login, err := f.Login(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeMayRead(login.User, needs, verdicts)
			}),
		},
	}
}

// DoctorNeeds are what the looks at Teleport take; what only informs is left out where it lacks.
func DoctorNeeds() []TeleportAccess {
	return []TeleportAccess{
		{Kind: "token", Verb: "read"},
		{Kind: "bot", Verb: "read"},
		{Kind: "token", Verb: "list", Informs: true},
		{Kind: "lock", Verb: "list"},
		{Kind: "lock", Verb: "read"},
		{Kind: "role", Verb: "read"},
		{Kind: "event", Verb: "list", Informs: true},
		{Kind: "bot_instance", Verb: "list", Informs: true},
		{Kind: "bot_instance", Verb: "read", Informs: true},
	}
}

// judgeMayRead warns of a missing right: nothing is wrong with the setup by it (field-notes P35).
func judgeMayRead(user string, needs []TeleportAccess, verdicts []Verdict) Finding {
	finding := JudgeTeleportRights(user, "tbotctl-doctor", needs, verdicts)
	if finding.Status == Fail {
		finding.Status, finding.Expected = Warn, "the right to read bots and join tokens, without which half of the causes stay unknown"
	}
	return finding
}

// judgeBot finds a bot that the join token names and nobody has made: Teleport then says nothing but "access denied" (field-notes P17).
func judgeBot(w Workload, name string, bot *machineidv1.Bot, roles []string) Finding {
	if bot != nil {
		return passed(spec.Quote(name) + ", with the roles " + quoted(bot.GetSpec().GetRoles()))
	}
	finding := Finding{
		Status: Fail, Observed: "join token " + w.tokenName() + " has bot_name " + spec.Quote(name) + ", and there is no such bot",
		Expected: "a bot " + spec.Quote(name), Fix: "run the same tbotctl init again: it makes the bot",
	}
	if w.Manager == spec.ManagedBy {
		return finding
	}
	if roles == nil {
		roles = []string{}
	}
	made := map[string]any{"kind": "bot", "version": "v1", "metadata": map[string]any{"name": name}, "spec": map[string]any{"roles": roles}}
	finding.Fix = tctlCreate(made)
	if len(roles) == 0 && len(w.Config.Outputs) > 0 {
		finding.Fix += ", with the roles that its outputs need in the place of []"
	}
	return finding
}

// lastRoles are those of the last certificate that an output got, for a bot that is made anew; nil where nothing tells.
func lastRoles(ctx context.Context, f *Facts, l *Live) []string {
	if l.Output != nil {
		for _, secret := range l.Workload.secrets() {
			if secret.output == nil {
				continue
			}
			if output, err := l.Output(ctx, secret.namespace, secret.name); err == nil && output != nil && output.Certificate != nil {
				return output.Certificate.Subject.Organization
			}
		}
	}
	return f.Setup.Teleport.Roles
}

func judgeLock(lock string, known Known) Finding {
	if lock == "" {
		return passed("no lock is in force on bot " + spec.Quote(known.botName()) + " or the join token")
	}
	known.Lock = lock
	refusal := refused{Known: known}.locked()
	return Finding{
		Status: Fail, Observed: refusal.Observed + "; " + refusal.Cause + ", so ask first who did and why", Expected: refusal.Expected,
		Fix: "tctl rm " + spec.ShellWord("lock/"+lock),
	}
}

// judgeLoadBalancer: tbot itself wraps what is no HTTP, Kubernetes clients cannot (field-notes P30).
func judgeLoadBalancer(w Workload, entry Entry) Finding {
	if !entry.LoadBalancer {
		return passed("the proxy itself ends TLS")
	}
	finding := Finding{
		Status: Warn, Observed: "something in front of the proxy ends TLS; tbot copes by upgrading the connection, Kubernetes clients do not",
		Expected: "a load balancer that passes TLS through (layer 4)",
		Fix:      "have the load balancer in front of " + w.proxyOr("the proxy") + " pass TLS through (layer 4)",
	}
	if kinds := w.kubernetesOutputs(); len(kinds) > 0 {
		finding.Status = Fail
		finding.Observed = "something in front of the proxy ends TLS, and the outputs " + strings.Join(kinds, ", ") + " are for Kubernetes clients, which cannot go through it"
	}
	return finding
}

// kubernetesOutputs are the types of the outputs by which Kubernetes clients go through the proxy.
func (w Workload) kubernetesOutputs() []string {
	var kinds []string
	for _, output := range w.Config.Outputs {
		if kind := output.Shared().Type; kind == tbotconfig.TypeKubernetes || kind == tbotconfig.TypeKubernetesV2 || kind == tbotconfig.TypeArgoCD {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

const envUseProxyAddr = "TBOT_USE_PROXY_ADDR"

func (w Workload) useProxyAddr() string {
	return w.patch(w.withEnv(corev1.EnvVar{Name: envUseProxyAddr, Value: "yes"}))
}

// judgePublicAddress: after its first look tbot goes on with the address that the proxy names (field-notes P32). A name that differs may
// be right from where the pod runs; that it is not, the pod's own words tell.
func judgePublicAddress(w Workload, entry Entry, said heard) Finding {
	configured, public := hostOf(w.Config.ProxyServer), hostOf(entry.PublicAddr)
	kept, _, _ := w.env(envUseProxyAddr)
	switch {
	case configured == "":
		return skipped("tbot.yaml has no proxy_server")
	case public == "" || strings.EqualFold(public, configured):
		return passed(w.Config.ProxyServer)
	case kept == "yes":
		return passed(fmt.Sprintf("the proxy names %s, and tbot stays with %s (%s)", spec.Quote(entry.PublicAddr), w.Config.ProxyServer, envUseProxyAddr))
	}
	finding := Finding{
		Status: Warn, Observed: "the proxy names " + spec.Quote(entry.PublicAddr) + " for itself, where tbot goes on", Expected: w.Config.ProxyServer + ", as tbot.yaml has it",
		Fix: w.useProxyAddr(),
	}
	if !said.fine && strings.Contains(said.text, public) {
		finding.Status = Fail
		finding.Observed += "; pod " + said.pod + " says: " + said.text
	}
	return finding
}

// hostOf is the host of host:port, or of a host alone; without a scheme that should not stand there.
func hostOf(address string) string {
	if _, rest, found := strings.Cut(address, "://"); found {
		address = rest
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func judgeTouch(wanted bool) Finding {
	if !wanted {
		return passed("no touch of a hardware key is wanted")
	}
	return Finding{
		Status: Warn, Observed: "this cluster wants admin actions confirmed by a touch of a hardware key, and also a look at a join token",
		Expected: "somebody at a terminal with the key, or the login of a bot, which is exempt",
		Fix:      "run tctl at a terminal with the key at hand, or give --identity FILE of a bot",
	}
}
