package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
)

// joinsWanted is how many joins of the audit log are looked at: the newest tells, and a few before it show since when.
const joinsWanted = 20

// liveTeleport gives a living setup the facts of Teleport, by the administrator's login. Each is asked for once, and only if a check
// wants it.
func (c *clusters) liveTeleport(live *checks.Live) {
	l := &liveLooks{clusters: c, workload: live.Workload}
	live.Token = checks.Once(l.token)
	live.TokenNames = checks.Once(l.tokenNames)
	live.Bot = checks.Once(func(ctx context.Context) (*machineidv1.Bot, error) { return l.bot(ctx, live.Token) })
	live.BotRoles = checks.Once(func(ctx context.Context) ([]types.Role, error) { return l.botRoles(ctx, live.Bot) })
	live.Lock = checks.Once(func(ctx context.Context) (string, error) { return l.lock(ctx, live.Token) })
	live.Joins = checks.Once(func(ctx context.Context) ([]checks.JoinEvent, error) { return l.joins(ctx, live.Token) })
	live.Instance = checks.Once(func(ctx context.Context) (*machineidv1.BotInstance, error) { return l.instance(ctx, live.Token) })
	live.TouchWanted = checks.Once(func(ctx context.Context) (bool, error) {
		admin, err := c.admin(ctx)
		if err != nil {
			return false, err
		}
		return admin.AdminMFA(ctx, c.target)
	})
}

// liveEntry tells how the proxy is reached, which takes no login.
func (c *clusters) liveEntry(live *checks.Live) {
	live.Entry = checks.Once(func(ctx context.Context) (checks.Entry, error) {
		server, err := c.server(ctx)
		if err != nil {
			return checks.Entry{}, err
		}
		look, err := teleport.LookAt(ctx, c.target, c.clock())
		return checks.Entry{LoadBalancer: look.LoadBalancer, PublicAddr: server.PublicAddr}, err
	})
}

// liveLooks are the looks at Teleport for one workload.
type liveLooks struct {
	*clusters

	workload checks.Workload
}

var (
	errNoTokenName = errors.New("tbot.yaml names no join token")
	errNoToken     = errors.New("the join token, which names the bot, is not there")
)

// tokenNamed is the join token that tbot.yaml names; one that starts with a slash is a file in the pod.
func (l *liveLooks) tokenNamed() (string, error) {
	name := l.workload.Config.Onboarding.Token
	switch {
	case name == "" && l.workload.ConfigErr != nil:
		return "", l.workload.ConfigErr
	case name == "":
		return "", errNoTokenName
	case strings.HasPrefix(name, "/"):
		return "", fmt.Errorf("tbot.yaml names the file %s, which holds the join token's name", spec.Quote(name))
	}
	return name, nil
}

// account is the service account of the pods.
func (l *liveLooks) account() (namespace, name string) {
	if name = l.workload.Deployment.Spec.Template.Spec.ServiceAccountName; name == "" {
		name = "default"
	}
	return l.workload.Deployment.Namespace, name
}

func (l *liveLooks) token(ctx context.Context) (*types.ProvisionTokenV2, error) {
	name, err := l.tokenNamed()
	if err != nil {
		return nil, err
	}
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, err
	}
	return admin.Token(ctx, name)
}

// tokenNames are the join tokens that may have been meant: those that admit the service account, else those of a name almost the same.
func (l *liveLooks) tokenNames(ctx context.Context) ([]string, error) {
	meant, err := l.tokenNamed()
	if err != nil {
		return nil, err
	}
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := admin.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	namespace, account := l.account()
	var admitting, near []string
	for _, token := range tokens {
		switch {
		case token.Name == meant:
		case token.Admits(namespace, account):
			admitting = append(admitting, token.Name)
		case alike(token.Name, meant):
			near = append(near, token.Name)
		}
	}
	if len(admitting) > 0 {
		return admitting, nil
	}
	return near, nil
}

// alike tells names that differ in case, in up to two letters, or by what one has before or behind the other.
func alike(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) >= 4 && strings.Contains(b, a) || len(b) >= 4 && strings.Contains(a, b) {
		return true
	}
	return len(a) >= 4 && edits([]rune(a), []rune(b)) <= 2
}

// edits is the Levenshtein distance.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, left := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, right := range b {
			cost := diagonal
			if left != right {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

type tokenFact = func(context.Context) (*types.ProvisionTokenV2, error)

// botNamed is the bot of the join token.
func botNamed(ctx context.Context, token tokenFact) (string, error) {
	held, err := token(ctx)
	if err != nil {
		return "", err
	}
	if held == nil || held.Spec.BotName == "" {
		return "", errNoToken
	}
	return held.Spec.BotName, nil
}

func (l *liveLooks) bot(ctx context.Context, token tokenFact) (*machineidv1.Bot, error) {
	name, err := botNamed(ctx, token)
	if err != nil {
		return nil, err
	}
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, err
	}
	return admin.Bot(ctx, name)
}

func (l *liveLooks) botRoles(ctx context.Context, bot func(context.Context) (*machineidv1.Bot, error)) ([]types.Role, error) {
	held, err := bot(ctx)
	if err != nil || held == nil {
		return nil, err
	}
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, err
	}
	return admin.RolesNamed(ctx, held.GetSpec().GetRoles())
}

func (l *liveLooks) lock(ctx context.Context, token tokenFact) (string, error) {
	name, err := botNamed(ctx, token)
	if err != nil {
		return "", err
	}
	admin, err := l.admin(ctx)
	if err != nil {
		return "", err
	}
	return admin.LockOn(ctx, name, l.workload.Config.Onboarding.Token)
}

// joins asks the audit log by all that is known: a token that may not be read is in it by its name.
func (l *liveLooks) joins(ctx context.Context, token tokenFact) ([]checks.JoinEvent, error) {
	name, err := l.tokenNamed()
	if err != nil {
		return nil, err
	}
	namespace, account := l.account()
	// What hinders here is that check's finding which looks at the token.
	bot, _ := botNamed(ctx, token)
	return l.joinsBy(ctx, teleport.JoinsOf{Token: name, Account: namespace + ":" + account, Bot: bot})
}

// joinsOf are the joins of a bot that is known by name.
func (c *clusters) joinsOf(ctx context.Context, w checks.Workload, bot string) ([]checks.JoinEvent, error) {
	l := &liveLooks{clusters: c, workload: w}
	namespace, account := l.account()
	return c.joinsBy(ctx, teleport.JoinsOf{Token: w.Config.Onboarding.Token, Account: namespace + ":" + account, Bot: bot})
}

func (c *clusters) joinsBy(ctx context.Context, of teleport.JoinsOf) ([]checks.JoinEvent, error) {
	admin, err := c.admin(ctx)
	if err != nil {
		return nil, err
	}
	joins, err := admin.Joins(ctx, of, joinsWanted, c.clock())
	events := make([]checks.JoinEvent, len(joins))
	for i, join := range joins {
		events[i] = checks.JoinEvent{
			Time: join.Time, Success: join.Success, Bot: join.Bot, Token: join.Token, Method: join.Method, Error: join.Error,
			ServiceAccount: strings.Replace(join.Account, ":", "/", 1),
		}
	}
	return events, err
}

// instance is nil for servers that know none.
func (l *liveLooks) instance(ctx context.Context, token tokenFact) (*machineidv1.BotInstance, error) {
	name, err := botNamed(ctx, token)
	if err != nil {
		return nil, err
	}
	admin, err := l.admin(ctx)
	if err != nil {
		return nil, err
	}
	newest, err := admin.NewestInstance(ctx, name, l.workload.Config.Onboarding.Token)
	if teleport.Is(err, teleport.Unsupported) {
		return nil, nil
	}
	return newest, err
}
