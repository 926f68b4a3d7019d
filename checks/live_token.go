package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of the join token.
const (
	TokenExists  ID = "TBC401"
	TokenForBot  ID = "TBC402"
	TokenAdmits  ID = "TBC403"
	TokenKeys    ID = "TBC404"
	TokenSigner  ID = "TBC405"
	TokenRotates ID = "TBC406"
	TokenIssuer  ID = "TBC407"
	TokenStays   ID = "TBC408"
	TokenFits    ID = "TBC409"
)

func liveTokenChecks() []Check {
	return []Check{
		{
			ID: TokenExists, Category: CategoryToken, Stage: Diagnosis, ProvedBy: JoinSaid, Problems: []string{"P06"}, Title: "the join token exists",
			Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
				switch w := l.Workload; {
				case w.ConfigErr != nil:
					return unknown(fmt.Errorf("which join token tbot uses is not known: %w", w.ConfigErr))
				case strings.HasPrefix(w.Config.Onboarding.Token, "/"):
					return skipped("tbot.yaml names a file that holds the join token's name: " + spec.Quote(w.Config.Onboarding.Token))
				case w.tokenName() == "":
					return skipped("tbot.yaml names no join token")
				}
				token, lacking := fetched(ctx, l.Token, withoutLogin)
				if lacking != nil {
					return *lacking
				}
				var near []string
				if token == nil && l.TokenNames != nil {
					// Names only help; where they may not be listed, the finding is the same.
					near, _ = l.TokenNames(ctx)
				}
				known := Known{}
				if token == nil {
					known = l.known(ctx, f)
					known.Setup.Teleport.BotName = l.botOnce(ctx)
				}
				return judgeToken(l.Workload, token, near, known)
			}),
		},
		onToken(Check{
			ID: TokenForBot, Needs: []ID{TokenExists}, Problems: []string{"P18"}, Title: "the join token is for a bot that joins by kubernetes",
		}, func(ctx context.Context, _ *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			return judgeTokenUse(l.Workload, token, l.botOnce(ctx))
		}),
		onToken(Check{
			ID: TokenAdmits, Needs: []ID{TokenForBot}, Problems: []string{"P07"}, Title: "the join token admits the service account",
		}, func(_ context.Context, _ *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			return judgeAllow(l.Workload.account(), token)
		}),
		onToken(Check{
			ID: TokenKeys, Needs: []ID{TokenForBot}, Problems: []string{"P05"}, Title: "the keys in the join token can be read",
		}, func(ctx context.Context, f *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			if kubernetesType(token) != spec.JoinStaticJWKS {
				return skipped("the join token is of type " + string(kubernetesType(token)) + " and holds no keys")
			}
			finding := judgeTokenKeys(token, nil)
			if finding.Status != Pass {
				known := l.known(ctx, f)
				finding = judgeTokenKeys(token, liveKeys(known.Cluster, known.Public))
			}
			return finding
		}),
		onToken(Check{
			ID: TokenSigner, Needs: []ID{TokenForBot}, ProvedBy: JoinSaid, Problems: []string{"P03"}, Title: "the key that signs is among those that Teleport takes",
		}, func(ctx context.Context, f *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			return lookAtSigner(ctx, f, l, token)
		}),
		onToken(Check{
			ID: TokenRotates, Needs: []ID{TokenForBot}, Problems: []string{"P04"}, Title: "nothing rotates the keys away from the join token's copy",
		}, func(ctx context.Context, f *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			if kubernetesType(token) != spec.JoinStaticJWKS {
				return skipped("the join token is of type " + string(kubernetesType(token)) + " and holds no copy of keys")
			}
			known := l.known(ctx, f)
			if known.Cluster.Issuer == "" {
				return unknown(l.issuerError(ctx, f))
			}
			return judgeRotation(token, known)
		}),
		onToken(Check{
			ID: TokenIssuer, Needs: []ID{TokenForBot}, ProvedBy: JoinSaid, Problems: []string{"P16"}, Title: "the join token's issuer is the cluster's, byte for byte",
		}, func(ctx context.Context, f *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			if kubernetesType(token) != spec.JoinOIDC {
				return skipped("the join token is of type " + string(kubernetesType(token)) + ", for which Teleport compares no issuer")
			}
			known := l.known(ctx, f)
			if known.issuerName() == "" {
				return unknown(l.issuerError(ctx, f))
			}
			return judgeTokenIssuer(token, known)
		}),
		onToken(Check{
			ID: TokenStays, Needs: []ID{TokenExists}, Problems: []string{"P06"}, Title: "the join token has no end in sight",
		}, func(ctx context.Context, _ *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			return judgeTokenEnd(token, l.serverNow(ctx))
		}),
		onToken(Check{
			ID: TokenFits, Needs: []ID{TokenForBot}, ProvedBy: JoinSaid, Problems: []string{"P02", "P42"}, Title: "the join token's type fits this Teleport cluster",
		}, func(ctx context.Context, f *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
			if _, lacking := fetched(ctx, f.Proxy, "the proxy is not known"); lacking != nil {
				return *lacking
			}
			last, told := l.lastJoin(ctx, f)
			return judgeTokenType(l.Workload, token, l.known(ctx, f), last, told)
		}),
	}
}

// onToken makes a check of a join token that exists; most of them judge its settings for Kubernetes.
func onToken(check Check, judge func(context.Context, *Facts, *Live, *types.ProvisionTokenV2) Finding) Check {
	check.Category, check.Stage = CategoryToken, Diagnosis
	check.Run = lived(func(ctx context.Context, f *Facts, l *Live) Finding {
		token, lacking := l.token(ctx)
		switch {
		case lacking != nil:
			return *lacking
		case token.Spec.Kubernetes == nil && check.ID != TokenForBot && check.ID != TokenStays:
			return skipped("the join token has no spec.kubernetes (" + string(TokenForBot) + ")")
		}
		return judge(ctx, f, l, token)
	})
	return check
}

// token gives the join token, or why there is none to judge.
func (l *Live) token(ctx context.Context) (*types.ProvisionTokenV2, *Finding) {
	token, lacking := fetched(ctx, l.Token, withoutLogin)
	if lacking == nil && token == nil {
		finding := skipped("there is no such join token")
		lacking = &finding
	}
	return token, lacking
}

// issuerError is why the cluster's issuer is not known.
func (l *Live) issuerError(ctx context.Context, f *Facts) error {
	if f.Issuer != nil {
		if _, err := f.Issuer(ctx); err != nil {
			return err
		}
	}
	return errors.New("the cluster's issuer is not known")
}

// issuerName is the cluster's issuer by the best witness, the token itself.
func (k Known) issuerName() string { return refused{Known: k}.issuerURL() }

// judgeToken puts the name in tbot.yaml beside those that Teleport has. Teleport shows no token that has ended, so one that is not
// there may have been (field-notes P06).
func judgeToken(w Workload, token *types.ProvisionTokenV2, near []string, known Known) Finding {
	name := w.tokenName()
	if token != nil {
		return passed(spec.Quote(name))
	}
	finding := Finding{
		Status:   Fail,
		Observed: fmt.Sprintf("tbot.yaml names join token %s, and cluster %s has none of that name, or it has ended", spec.Quote(name), spec.Quote(known.ClusterName)),
		Expected: "a join token " + spec.Quote(name),
	}
	switch {
	case len(near) == 1:
		finding.Expected = "join token " + spec.Quote(near[0]) + ", which there is"
		old := tokenLine(w.Text, name)
		finding.Fix = w.rewrite(old, strings.Replace(old, name, near[0], 1))
	case len(near) > 1:
		finding.Expected = "one of the join tokens that there are: " + quoted(near)
		finding.Fix = w.rewrite("", "") + ", and name the right one in onboarding.token"
	default:
		finding.Fix = missingToken(w, known)
	}
	return finding
}

// tokenLine is the part of tbot.yaml that names the join token, as it is spelled there.
func tokenLine(text, name string) string {
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "token:") && strings.Contains(trimmed, name) {
			return trimmed
		}
	}
	return ""
}

// missingToken is the command that makes a join token for this workload.
func missingToken(w Workload, known Known) string {
	if w.Manager == spec.ManagedBy {
		return "run the same tbotctl init again: it makes the join token"
	}
	bot := known.Setup.Teleport.BotName
	if bot == "" {
		bot = "BOT"
	}
	token := &types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2, Metadata: types.Metadata{Name: w.tokenName()},
		Spec: types.ProvisionTokenSpecV2{
			Roles: types.SystemRoles{types.RoleBot}, BotName: bot, JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Allow: []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: w.account()}},
			},
		},
	}
	command := asStatic(token, liveKeys(known.Cluster, known.Public))
	if known.Public.Reachable && typeSupported(known.ServerVersion) {
		command = asOIDC(token, known.Cluster.Issuer)
	}
	switch {
	case command == "":
		return "tctl create TOKEN.yaml, with a join token for service account " + w.account()
	case bot == "BOT":
		return command + ", with the bot's name in the place of BOT"
	}
	return command
}

// botOnce is the bot as which this workload joined before, by the audit log; empty where nothing tells.
func (l *Live) botOnce(ctx context.Context) string {
	if l.Joins == nil {
		return ""
	}
	joins, err := l.Joins(ctx)
	if err != nil {
		return ""
	}
	for _, join := range joins {
		if join.Success && join.Bot != "" {
			return join.Bot
		}
	}
	return ""
}

// judgeTokenUse holds what a token is for to what tbot asks (field-notes P18, teleport-facts 3.1). once is the bot as which the workload
// joined before. What else the token serves stays.
func judgeTokenUse(w Workload, token *types.ProvisionTokenV2, once string) Finding {
	name := "join token " + token.GetName()
	roles, method := token.GetRoles(), token.GetJoinMethod()
	finding := Finding{Status: Fail}
	switch asked := w.Config.Onboarding.JoinMethod; {
	case method != types.JoinMethodKubernetes:
		finding.Observed, finding.Expected = name+" has join_method "+spec.Quote(string(method)), `join_method "kubernetes"`
		finding.Fix = "name a join token of method kubernetes in tbot.yaml: " + w.rewrite("", "")
		if token.Spec.Kubernetes != nil {
			finding.Fix = rewritten(token, func(s *types.ProvisionTokenSpecV2) { s.JoinMethod = types.JoinMethodKubernetes })
		}
	case !slices.Contains(roles, types.RoleBot):
		finding.Observed, finding.Expected = fmt.Sprintf("%s has the roles [%s]", name, quoted(roles.StringSlice())), `the role "Bot" among them`
		finding.Fix = forBot(token, once)
	case token.Spec.BotName == "":
		finding.Observed, finding.Expected = name+" has no bot_name", "a bot_name"
		finding.Fix = forBot(token, once)
	case token.Spec.Kubernetes == nil:
		finding.Observed, finding.Expected = name+" has no spec.kubernetes", "the service accounts and keys that it takes"
		finding.Fix = "tctl edit token/" + spec.ShellWord(token.GetName())
	case asked != "" && asked != string(types.JoinMethodKubernetes):
		finding.Observed, finding.Expected = "tbot.yaml has join_method "+spec.Quote(asked), `join_method "kubernetes", as `+name+" has it"
		finding.Fix = w.rewrite("join_method: "+asked, "join_method: kubernetes")
	default:
		return passed(fmt.Sprintf("bot %s, type %s", spec.Quote(token.Spec.BotName), kubernetesType(token)))
	}
	return finding
}

// forBot is the command that lets a bot join by the token too.
func forBot(token *types.ProvisionTokenV2, once string) string {
	bot, aside := token.Spec.BotName, ""
	if bot == "" {
		bot = once
	}
	if bot == "" {
		bot, aside = "BOT", ", with the bot's name in the place of BOT"
	}
	return rewritten(token, func(s *types.ProvisionTokenSpecV2) {
		if !slices.Contains(s.Roles, types.RoleBot) {
			s.Roles = append(slices.Clone(s.Roles), types.RoleBot)
		}
		s.BotName = bot
	}) + aside
}

// judgeAllow compares as Teleport does, letter by letter (teleport-facts 3.5).
func judgeAllow(account string, token *types.ProvisionTokenV2) Finding {
	var rules []string
	why := ""
	for _, rule := range token.Spec.Kubernetes.Allow {
		if rule == nil {
			continue
		}
		if rule.ServiceAccount == account {
			return passed(spec.Quote(account))
		}
		rules = append(rules, rule.ServiceAccount)
		switch {
		case strings.HasPrefix(rule.ServiceAccount, serviceAccountPrefix):
			why = "; the prefix system:serviceaccount: is added by Teleport itself"
		case strings.Contains(rule.ServiceAccount, "*"):
			why = "; a * is no wildcard there"
		}
	}
	return Finding{
		Status: Fail, Observed: "join token " + token.GetName() + " allows " + quotedOr(rules, "nobody") + why,
		Expected: spec.Quote(account) + ", the service account of the pod, letter by letter", Fix: admit(token, account),
	}
}

// admit is the command that adds a service account to those that a token allows. Rules that can match nobody are left out.
func admit(token *types.ProvisionTokenV2, account string) string {
	return rewritten(token, func(s *types.ProvisionTokenSpecV2) {
		var kept []*types.ProvisionTokenSpecV2Kubernetes_Rule
		for _, rule := range s.Kubernetes.Allow {
			if rule != nil && !strings.HasPrefix(rule.ServiceAccount, serviceAccountPrefix) && !strings.Contains(rule.ServiceAccount, "*") {
				kept = append(kept, rule)
			}
		}
		s.Kubernetes.Allow = append(kept, &types.ProvisionTokenSpecV2Kubernetes_Rule{ServiceAccount: account})
	})
}

// tokenEndsSoon is how long before its end a join token is said: it has to be renewed by hand.
const tokenEndsSoon = 7 * 24 * time.Hour

// judgeTokenEnd knows both ways in which a token without an end is written (teleport-facts 3.6).
func judgeTokenEnd(token *types.ProvisionTokenV2, now time.Time) Finding {
	at := token.Expiry()
	if at.IsZero() || at.Unix() == 0 {
		return passed("it has no end")
	}
	endless := *token
	endless.Metadata.Expires = nil
	finding := Finding{
		Status: Fail, Observed: fmt.Sprintf("join token %s ended at %s", token.GetName(), stamp(at)), Expected: "one that is valid at " + stamp(now),
		Fix: rewritten(&endless, func(*types.ProvisionTokenSpecV2) {}),
	}
	switch left := at.Sub(now); {
	case left <= 0:
		return finding
	case left < tokenEndsSoon:
		finding.Status = Warn
		finding.Observed = fmt.Sprintf("join token %s ends at %s; from then on tbot cannot join again", token.GetName(), stamp(at))
		finding.Expected = "no end, for the token's name is no secret"
		return finding
	}
	return passed("until " + stamp(at))
}
