package teleporttest

import (
	"maps"
	"slices"
	"strings"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// defaultBotSession is max_session_ttl of a bot's automatic role.
const defaultBotSession = 12 * time.Hour

// resourceName is the name of a bot's user and role.
func resourceName(bot string) string {
	return "bot-" + strings.ReplaceAll(bot, " ", "-")
}

func validateBot(bot *machineidv1.Bot) error {
	switch {
	case bot == nil:
		return trace.BadParameter("must be non-nil")
	case bot.GetMetadata() == nil:
		return trace.BadParameter("metadata: must be non-nil")
	case bot.GetMetadata().GetName() == "":
		return trace.BadParameter("metadata.name: must be non-empty")
	case bot.GetSpec() == nil:
		return trace.BadParameter("spec: must be non-nil")
	case slices.Contains(bot.GetSpec().GetRoles(), ""):
		return trace.BadParameter("spec.roles: must not contain empty strings")
	}
	return nil
}

// storeBot writes the user and the automatic role of a bot.
func (c *Cluster) storeBot(bot *machineidv1.Bot, creator, generation string) (*machineidv1.Bot, error) {
	name := resourceName(bot.GetMetadata().GetName())
	session := defaultBotSession
	if ttl := bot.GetSpec().GetMaxSessionTtl(); ttl != nil && c.behaviour.botTTL {
		session = ttl.AsDuration()
	}
	role := &types.RoleV6{
		Version: types.V7,
		Metadata: types.Metadata{
			Name:        name,
			Description: "Automatically generated role for bot " + bot.GetMetadata().GetName(),
			Labels:      map[string]string{types.BotLabel: bot.GetMetadata().GetName()},
			Expires:     expiryOf(bot.GetMetadata().GetExpires()),
		},
		Spec: types.RoleSpecV6{
			Options: types.RoleOptions{MaxSessionTTL: types.NewDuration(session)},
			Allow: types.RoleConditions{
				Rules:       []types.Rule{types.NewRule(types.KindCertAuthority, []string{types.VerbReadNoSecrets})},
				Impersonate: &types.ImpersonateConditions{Roles: bot.GetSpec().GetRoles()},
			},
		},
	}
	if err := role.CheckAndSetDefaults(); err != nil {
		return nil, trace.Wrap(err, "new role")
	}
	labels := map[string]string{}
	maps.Copy(labels, bot.GetMetadata().GetLabels())
	labels[types.BotLabel] = bot.GetMetadata().GetName()
	labels[types.BotGenerationLabel] = generation
	user := &types.UserV2{
		Metadata: types.Metadata{
			Name:        name,
			Description: bot.GetMetadata().GetDescription(),
			Labels:      labels,
			Expires:     expiryOf(bot.GetMetadata().GetExpires()),
		},
		Spec: types.UserSpecV2{
			Roles:     []string{name},
			Traits:    traitsOf(bot),
			CreatedBy: types.CreatedBy{User: types.UserRef{Name: creator}, Time: c.opts.Now()},
		},
	}
	if err := user.CheckAndSetDefaults(); err != nil {
		return nil, trace.Wrap(err, "new user")
	}
	c.state.putUser(user)
	c.state.putRole(role)
	return c.bot(bot.GetMetadata().GetName())
}

// bot builds the bot out of its user and role.
func (c *Cluster) bot(bot string) (*machineidv1.Bot, error) {
	name := resourceName(bot)
	user, ok := c.state.user(name)
	if !ok {
		return nil, trace.Wrap(errUserNotFound(name), "fetching bot user")
	}
	role, ok := c.state.role(name)
	if !ok {
		return nil, trace.Wrap(errRoleNotFound(name), "fetching bot role")
	}
	labelled, ok := user.Metadata.Labels[types.BotLabel]
	if !ok {
		return nil, trace.Wrap(trace.BadParameter("user missing bot label"), "converting from resources")
	}
	out := &machineidv1.Bot{
		Kind:     types.KindBot,
		Version:  types.V1,
		Metadata: &headerv1.Metadata{Name: labelled, Description: user.Metadata.Description},
		Spec:     &machineidv1.BotSpec{Roles: role.GetImpersonateConditions(types.Allow).Roles},
		Status:   &machineidv1.BotStatus{UserName: name, RoleName: name},
	}
	if at := user.Metadata.Expires; at != nil && !at.IsZero() {
		out.Metadata.Expires = timestamppb.New(*at)
	}
	if c.behaviour.botTTL {
		out.Spec.MaxSessionTtl = durationpb.New(role.GetOptions().MaxSessionTTL.Duration())
	}
	for _, k := range slices.Sorted(maps.Keys(user.Metadata.Labels)) {
		if k == types.BotLabel || k == types.BotGenerationLabel {
			continue
		}
		if out.Metadata.Labels == nil {
			out.Metadata.Labels = map[string]string{}
		}
		out.Metadata.Labels[k] = user.Metadata.Labels[k]
	}
	traits := user.GetTraits()
	for _, trait := range slices.Sorted(maps.Keys(traits)) {
		if len(traits[trait]) > 0 {
			out.Spec.Traits = append(out.Spec.Traits, &machineidv1.Trait{Name: trait, Values: traits[trait]})
		}
	}
	return out, nil
}

func traitsOf(bot *machineidv1.Bot) map[string][]string {
	traits := map[string][]string{}
	for _, t := range bot.GetSpec().GetTraits() {
		if len(t.GetValues()) > 0 {
			traits[t.GetName()] = append(traits[t.GetName()], t.GetValues()...)
		}
	}
	return traits
}

func expiryOf(at *timestamppb.Timestamp) *time.Time {
	if at == nil || at.GetSeconds() == 0 {
		return nil
	}
	out := at.AsTime()
	return &out
}

func (c *Cluster) removeBot(bot string) error {
	name := resourceName(bot)
	var userErr, roleErr error
	switch user, ok := c.state.user(name); {
	case !ok:
		userErr = trace.Wrap(errUserNotFound(name), "fetching bot user")
	case user.Metadata.Labels[types.BotLabel] != bot:
		userErr = trace.BadParameter("user missing bot label matching bot name; consider manually deleting user")
	default:
		c.state.deleteUser(name)
	}
	switch role, ok := c.state.role(name); {
	case !ok:
		roleErr = trace.Wrap(errRoleNotFound(name), "fetching bot role")
	case role.Metadata.Labels[types.BotLabel] != bot:
		roleErr = trace.BadParameter("role missing bot label matching bot name; consider manually deleting role")
	default:
		c.state.deleteRole(name)
	}
	return trace.NewAggregate(trace.Wrap(userErr, "deleting bot user"), trace.Wrap(roleErr, "deleting bot role"))
}
