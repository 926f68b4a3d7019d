package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// Refusal is a refused join in the user's terms: the cause, the two values that differ, and the way out.
type Refusal struct {
	// ID names the cause, P01 and on (field-notes 1); empty where no rule knows Teleport's words.
	ID string
	// Cause is one sentence without a full stop.
	Cause string
	// Observed and Expected are the two values that differ; Expected is empty only where the cause is not known.
	Observed, Expected string
	// Fix is one flag or command wherever there is one.
	Fix string
	// Words are Teleport's own, uncut.
	Words string
	// Unseen says what could not be looked up for the explanation, and why.
	Unseen []string
}

// Result gives the refusal as the failed check of the join; err is what exit codes are made of.
func (r Refusal) Result(err error) Result {
	result := Result{Finding: Finding{Status: Fail, Observed: r.Observed, Expected: r.Expected, Fix: r.Fix, Err: err}}
	for _, check := range joinChecks() {
		if check.ID == JoinProven {
			result.Check = check
		}
	}
	return result
}

// Known is what is known where a join was refused. What nobody looked at stays empty, and is then not said.
type Known struct {
	// Setup has its names and, where it was resolved, the join type.
	Setup spec.Setup
	// ClusterName and ServerVersion are Teleport's, as /webapi/find says.
	ClusterName, ServerVersion string
	// Claims are those of the token that was presented.
	Claims issuer.Claims
	// Cluster and Public are what was discovered of the issuer.
	Cluster issuer.Cluster
	Public  issuer.PublicResult
	// Token is the join token as it is now. TokenMissing means that Teleport was asked and has none of the name.
	Token        *types.ProvisionTokenV2
	TokenMissing bool
	// BotExists tells of the bot that the join token names, else of the setup's; nil means not known.
	BotExists *bool
	// Lock is the name of a lock in force on bot or join token.
	Lock string
	// Handmade tells of a tbot that no tbotctl made, so that no run of init mends anything of it.
	Handmade bool
	// Unseen says which of these could not be had.
	Unseen []string
	Now    time.Time
}

// RefusalLooks are the looks at Teleport that explain a refusal; each is made at most once, and only then. A nil one is for a
// run without a login.
type RefusalLooks struct {
	// Token gives a join token, nil where there is none of the name.
	Token func(ctx context.Context, name string) (*types.ProvisionTokenV2, error)
	// BotExists looks for a bot.
	BotExists func(ctx context.Context, name string) (bool, error)
	// Lock gives the name of a lock in force on the bot or the join token, empty where there is none.
	Lock func(ctx context.Context, bot, token string) (string, error)
}

// ExplainRefusal completes what is known by the looks and judges the message of a *tbot.Refused. A look that fails is said in
// Unseen and makes its fact unknown.
func ExplainRefusal(ctx context.Context, message string, known Known, looks RefusalLooks) Refusal {
	name := known.Setup.Names().Token
	if looks.Token != nil {
		token, err := looks.Token(ctx, name)
		known.Token, known.TokenMissing = token, err == nil && token == nil
		known.unseen("join token "+name, err)
	}
	bot := known.botName()
	if looks.BotExists != nil && bot != "" {
		exists, err := looks.BotExists(ctx, bot)
		if err == nil {
			known.BotExists = &exists
		}
		known.unseen("bot "+spec.Quote(bot), err)
	}
	if looks.Lock != nil && bot != "" {
		lock, err := looks.Lock(ctx, bot, name)
		known.Lock = lock
		known.unseen("the locks", err)
	}
	return JudgeRefusal(message, known)
}

func (k *Known) unseen(what string, err error) {
	if err != nil {
		k.Unseen = append(k.Unseen, what+" could not be looked at: "+err.Error())
	}
}

// JudgeRefusal explains a refusal by Teleport's words and, where they hide the reason, by the values. It asks nobody.
func JudgeRefusal(message string, known Known) Refusal {
	r := refused{Known: known, text: oneLine(message)}
	explained := r.judge()
	explained.Words, explained.Unseen = r.text, known.Unseen
	return explained
}

// refused is one refusal under judgement; text is on one line.
type refused struct {
	Known
	text string
}

func (r refused) judge() Refusal {
	// A join token of another method judges by that method's rules and in its words (teleport-facts 3.1), so its value comes first.
	if r.Token != nil && r.Token.GetJoinMethod() != types.JoinMethodKubernetes {
		return r.wrongMethod()
	}
	for _, rule := range refusalRules() {
		if rule.matches(r.text) {
			return rule.judge(r)
		}
	}
	if strings.HasSuffix(r.text, "access denied") {
		return r.accessDenied()
	}
	return r.unexplained()
}

// unexplained is honest about words that no rule knows.
func (r refused) unexplained() Refusal {
	event := "bot.join"
	if r.Setup.IsAgent() {
		event = "instance.join"
	}
	return Refusal{
		Cause:    "Teleport refused for a reason that tbotctl does not know",
		Observed: "Teleport says: " + r.text,
		Fix:      "read the newest " + event + " event in Teleport's audit log: it holds the reason and what the service account presented",
	}
}

// oneLine joins the lines of Teleport's indented texts as "outer: inner".
func oneLine(message string) string {
	var lines []string
	for line := range strings.Lines(message) {
		if line = strings.TrimSuffix(strings.TrimSpace(line), ":"); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, ": ")
}

// botName is the bot that the join goes to: the one that the join token names, where that is known.
func (k Known) botName() string {
	if k.Token != nil && k.Token.Spec.BotName != "" {
		return k.Token.Spec.BotName
	}
	return k.Setup.Names().Bot
}

func (r refused) tokenName() string { return "join token " + r.Setup.Names().Token }

// rewrite is the way out where the join token is not as tbotctl writes it; what says what the next run puts right.
func (r refused) rewrite(what string) string {
	name := r.Setup.Names().Token
	if r.Handmade {
		return "whoever administers Teleport " + what + ": tctl edit token/" + spec.ShellWord(name)
	}
	if r.Token != nil && r.Token.Metadata.Labels[spec.MarkInstall] != r.Setup.InstallID() {
		return fmt.Sprintf("give --token-name %s-2: %s was not made for this installation, so it is left as it is", name, r.tokenName())
	}
	return "run the same tbotctl init again: it " + what
}

// instead is the flag for another join type than the one that was refused: the first of those given that can work.
func (r refused) instead(types ...spec.JoinType) string {
	for _, t := range types {
		if supported, err := issuer.SupportsOIDC(r.ServerVersion); t == spec.JoinOIDC && (!r.Public.Reachable || err != nil || !supported) {
			continue
		}
		if _, rotates := issuer.Provider(r.issuerURL()); rotates && t == spec.JoinStaticJWKS && !r.Setup.Join.AcceptRotationRisk {
			return fmt.Sprintf("give --join-type %s --accept-rotation-risk", t)
		}
		return fmt.Sprintf("give --join-type %s", t)
	}
	return "give --join-type auto"
}

// issuerURL is the cluster's issuer by the best witness: the token itself.
func (r refused) issuerURL() string {
	if r.Claims.Issuer != "" {
		return r.Claims.Issuer
	}
	return r.Cluster.Issuer
}

// onCloud tells Teleport's hosted clusters, whose Auth Service nobody else can change.
func (r refused) onCloud() bool { return strings.HasSuffix(r.ClusterName, ".teleport.sh") }
