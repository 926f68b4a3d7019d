package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

const serviceAccountPrefix = "system:serviceaccount:"

// tokenNotFound is P06: Teleport says the same of a token that is not there and of one that has ended.
func (r refused) tokenNotFound() Refusal {
	name := spec.Quote(r.Setup.Names().Token)
	cause := Refusal{
		ID: "P06", Cause: "Teleport has no join token of this name that is valid now",
		Observed: "whether join token " + name + " exists is not known",
		Expected: "a join token " + name + " in cluster " + spec.Quote(r.ClusterName) + " that has not ended",
		Fix:      "tctl get token/" + r.Setup.Names().Token,
	}
	switch {
	case r.TokenMissing:
		cause.Observed = "cluster " + spec.Quote(r.ClusterName) + " has no join token " + name
		cause.Fix = "run the same tbotctl init again: it makes the join token"
		if r.Handmade {
			cause.Fix = "whoever administers Teleport makes it, or says which of `tctl get tokens` tbot.yaml is to name"
		}
	case r.Token != nil && r.ended():
		cause.Cause = "the join token has ended"
		cause.Observed = fmt.Sprintf("join token %s ended at %s", name, stamp(r.Token.Expiry()))
		cause.Expected = fmt.Sprintf("one that is valid at %s; tbotctl writes it without an end", stamp(r.Now))
		cause.Fix = r.rewrite("writes the join token without an end")
	case r.Token != nil:
		cause.Observed = "the login sees join token " + name + ", and the Auth Service that judged the join does not"
		cause.Fix = "run the same tbotctl init again in a minute: what was just written is not seen by every Auth Service at once"
		if r.Handmade {
			cause.Fix = "run the same command again in a minute: what was just written is not seen by every Auth Service at once"
		}
	}
	return cause
}

// ended knows both ways in which a token without an end is written (teleport-facts 3.6).
func (r refused) ended() bool {
	at := r.Token.Expiry()
	return !at.IsZero() && at.Unix() != 0 && !at.After(r.Now)
}

func (r refused) wrongRole() Refusal {
	if r.Setup.IsAgent() {
		return r.wrongAgentRole()
	}
	cause := Refusal{
		ID: "P18", Cause: "the join token is for something else than a bot",
		Observed: r.tokenName() + " does not allow the role Bot", Expected: `roles ["Bot"]`,
		Fix: r.rewrite("sets the token's roles to Bot"),
	}
	if r.Token != nil && !slices.Contains(r.Token.GetRoles(), types.RoleBot) {
		cause.Observed = fmt.Sprintf("%s has the roles [%s]", r.tokenName(), quoted(r.Token.GetRoles().StringSlice()))
	}
	return cause
}

func (r refused) noBotName() Refusal {
	return Refusal{
		ID: "P18", Cause: "the join token names no bot",
		Observed: r.tokenName() + " has no bot_name", Expected: "bot_name " + spec.Quote(r.Setup.Names().Bot),
		Fix: r.rewrite("sets bot_name to " + r.Setup.Names().Bot),
	}
}

func (r refused) wrongMethod() Refusal {
	cause := Refusal{
		ID: "P18", Cause: "the join token is for another join method",
		Observed: r.tokenName() + " is for another join method: " + r.text, Expected: `join_method "kubernetes"`,
		Fix: r.rewrite("sets the join method to kubernetes"),
	}
	if r.Token != nil && r.Token.GetJoinMethod() != types.JoinMethodKubernetes {
		cause.Observed = fmt.Sprintf("%s has join_method %s", r.tokenName(), spec.Quote(string(r.Token.GetJoinMethod())))
	}
	return cause
}

// unsupportedType is a server from before the type (field-notes 0 item 5).
func (r refused) unsupportedType() Refusal {
	observed := "a server of unknown version"
	if r.ServerVersion != "" {
		observed = "Teleport " + r.ServerVersion
	}
	cause := Refusal{
		ID: "P18", Cause: "this Teleport server does not know the join token's type",
		Observed: observed, Expected: "17.7.0, 18.1.5, 19 or newer for the type oidc",
		Fix: r.instead(spec.JoinStaticJWKS),
	}
	if r.Token != nil && r.Token.Spec.Kubernetes != nil {
		cause.Observed += fmt.Sprintf(", and %s has the type %s", r.tokenName(), spec.Quote(string(r.Token.Spec.Kubernetes.Type)))
	}
	return cause
}

// noAllowRule is P07: the comparison is letter by letter (teleport-facts 3.5).
func (r refused) noAllowRule() Refusal {
	account := strings.TrimPrefix(r.Claims.Subject, serviceAccountPrefix)
	if account == "" {
		account = r.Setup.ServiceAccountRef()
	}
	cause := Refusal{
		ID: "P07", Cause: "the join token does not let this service account in",
		Observed: "no allow rule of " + r.tokenName() + " fits", Expected: "an allow rule " + spec.Quote(account) + ", letter by letter",
		Fix: r.rewrite("sets the allow rule to " + account),
	}
	if r.Token == nil || r.Token.Spec.Kubernetes == nil {
		return cause
	}
	var rules []string
	for _, rule := range r.Token.Spec.Kubernetes.Allow {
		if rule == nil {
			continue
		}
		rules = append(rules, rule.ServiceAccount)
		switch {
		case strings.HasPrefix(rule.ServiceAccount, serviceAccountPrefix):
			cause.Cause += "; its rule carries the prefix system:serviceaccount:, which Teleport adds itself"
		case strings.Contains(rule.ServiceAccount, "*"):
			cause.Cause += "; its rule holds a *, which is no wildcard there"
		}
	}
	cause.Observed = r.tokenName() + " allows " + quotedOr(rules, "nobody")
	return cause
}

// accessDenied is P17: Teleport hides the reason, and the values tell it.
func (r refused) accessDenied() Refusal {
	if r.Setup.IsAgent() {
		return r.agentDenied()
	}
	wanted, named := r.Setup.Names().Bot, r.botName()
	cause := Refusal{
		ID: "P17", Cause: "Teleport does not say why; mostly the bot does not exist",
		Observed: "whether bot " + spec.Quote(named) + " exists is not known", Expected: "a bot " + spec.Quote(wanted) + " that is not locked",
		Fix: "tctl get bot/" + wanted,
	}
	switch {
	case r.BotExists != nil && !*r.BotExists && named != wanted:
		cause.Cause = "the join token names another bot, which does not exist"
		cause.Observed = fmt.Sprintf("%s has bot_name %s, and there is no such bot", r.tokenName(), spec.Quote(named))
		cause.Fix = r.rewrite("sets bot_name to " + wanted)
	case r.BotExists != nil && !*r.BotExists:
		cause.Cause = "the bot that the join token names does not exist"
		cause.Observed = "cluster " + spec.Quote(r.ClusterName) + " has no bot " + spec.Quote(named)
		cause.Fix = "run the same tbotctl init again: it makes the bot"
		if r.Handmade {
			cause.Fix = "whoever administers Teleport makes the bot: tctl bots add " + spec.ShellWord(named) + " --roles=ROLE"
		}
	case r.Lock != "":
		return r.locked()
	case r.BotExists != nil:
		cause.Cause = "Teleport does not say why"
		cause.Observed = "bot " + spec.Quote(named) + " exists, and no lock on it is known; Teleport says: " + r.text
		cause.Expected = "a join that is let in"
		cause.Fix = "run the same tbotctl init again in a minute, and then read the newest bot.join event in Teleport's audit log: it holds the reason"
	}
	return cause
}

func (r refused) locked() Refusal {
	cause := Refusal{
		ID: "P17", Cause: "somebody locked the bot or the join token, and a lock ends every join",
		Observed: "Teleport says: " + r.text, Expected: "no lock in force on bot " + spec.Quote(r.botName()) + " and " + r.tokenName(),
		Fix: "tctl get locks",
	}
	if r.Lock != "" {
		cause.Observed = "lock " + spec.Quote(r.Lock) + " is in force"
		cause.Fix = "ask who made the lock and why, then: tctl rm lock/" + word(r.Lock)
	}
	return cause
}

// rolesRefused is about the certificates of an output: the join was let in (field-notes P23).
func (r refused) rolesRefused() Refusal {
	return Refusal{
		ID: "P23", Cause: "the bot joined, and may not take the roles of its output",
		Observed: "Teleport says: " + r.text, Expected: "bot " + spec.Quote(r.botName()) + " with the roles " + quoted(r.Setup.Teleport.Roles),
		Fix: r.botRoles(),
	}
}

// noRoles is a bot that lost its roles: it is let in, and there is nothing that an output could carry.
func (r refused) noRoles() Refusal {
	cause := r.rolesRefused()
	cause.Cause = "the bot joined, and has no roles for its output"
	cause.Observed = "bot " + spec.Quote(r.botName()) + " has no roles"
	return cause
}

// word makes a server's name safe to paste into a shell.
func word(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

func quoted(values []string) string { return quotedOr(values, "none") }

func quotedOr(values []string, none string) string {
	if len(values) == 0 {
		return none
	}
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = spec.Quote(value)
	}
	return strings.Join(all, ", ")
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// botRoles is the way out where the bot has no roles that do.
func (r refused) botRoles() string {
	if r.Handmade {
		return "whoever administers Teleport gives it roles: tctl bots update " + spec.ShellWord(r.botName()) + " --set-roles ROLE"
	}
	return "run the same tbotctl init again: it sets the bot's roles"
}
