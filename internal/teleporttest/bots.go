package teleporttest

import (
	"context"
	"slices"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// botService is teleport.machineid.v1.BotService. A bot is no resource of its own: it is a user and a role of the
// same name, tied together by labels (teleport-facts 5.2).
type botService struct {
	machineidv1.UnimplementedBotServiceServer

	cluster *Cluster
}

// GetBot reads a bot.
func (s *botService) GetBot(ctx context.Context, req *machineidv1.GetBotRequest) (*machineidv1.Bot, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindBot, types.VerbRead); err != nil {
		return nil, err
	}
	if req.GetBotName() == "" {
		return nil, trace.BadParameter("bot_name: must be non-empty")
	}
	return s.cluster.bot(req.GetBotName())
}

// ListBots lists bots page by page.
func (s *botService) ListBots(ctx context.Context, req *machineidv1.ListBotsRequest) (*machineidv1.ListBotsResponse, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindBot, types.VerbList); err != nil {
		return nil, err
	}
	var all []*machineidv1.Bot
	for _, name := range s.cluster.state.userNames() {
		user, ok := s.cluster.state.user(name)
		if !ok || user.Metadata.Labels[types.BotLabel] == "" {
			continue
		}
		bot, err := s.cluster.bot(user.Metadata.Labels[types.BotLabel])
		if err != nil {
			s.cluster.logger.WarnContext(ctx, "A bot is left out of a list", "user", name, "error", err)
			continue
		}
		all = append(all, bot)
	}
	bots, next, err := page(all, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &machineidv1.ListBotsResponse{Bots: bots, NextPageToken: next}, nil
}

// CreateBot refuses a bot that exists. Its roles need not exist.
func (s *botService) CreateBot(ctx context.Context, req *machineidv1.CreateBotRequest) (*machineidv1.Bot, error) {
	who, err := s.cluster.authorize(ctx, true, types.KindBot, types.VerbCreate)
	if err != nil {
		return nil, err
	}
	if err := validateBot(req.GetBot()); err != nil {
		return nil, trace.Wrap(err, "validating bot")
	}
	name := resourceName(req.GetBot().GetMetadata().GetName())
	if _, ok := s.cluster.state.user(name); ok {
		return nil, trace.Wrap(trace.AlreadyExists("user %q already registered", name), "creating bot user")
	}
	if _, ok := s.cluster.state.role(name); ok {
		return nil, trace.Wrap(trace.AlreadyExists("role %q already exists", name), "creating bot role")
	}
	return s.cluster.storeBot(req.GetBot(), who.username, "0")
}

// UpsertBot asks for update before create, and keeps the generation of a bot that exists.
func (s *botService) UpsertBot(ctx context.Context, req *machineidv1.UpsertBotRequest) (*machineidv1.Bot, error) {
	who, err := s.cluster.authorize(ctx, true, types.KindBot, types.VerbUpdate, types.VerbCreate)
	if err != nil {
		return nil, err
	}
	if err := validateBot(req.GetBot()); err != nil {
		return nil, trace.Wrap(err, "validating bot")
	}
	generation := "0"
	if user, ok := s.cluster.state.user(resourceName(req.GetBot().GetMetadata().GetName())); ok {
		if generation, ok = user.Metadata.Labels[types.BotGenerationLabel]; !ok {
			return nil, trace.BadParameter("unable to determine existing generation for bot due to missing label")
		}
	}
	return s.cluster.storeBot(req.GetBot(), who.username, generation)
}

// UpdateBot changes the fields in the mask.
func (s *botService) UpdateBot(ctx context.Context, req *machineidv1.UpdateBotRequest) (*machineidv1.Bot, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindBot, types.VerbUpdate); err != nil {
		return nil, err
	}
	bot := req.GetBot()
	switch {
	case bot == nil:
		return nil, trace.BadParameter("bot: must be non-nil")
	case bot.GetMetadata() == nil:
		return nil, trace.BadParameter("bot.metadata: must be non-nil")
	case bot.GetMetadata().GetName() == "":
		return nil, trace.BadParameter("bot.metadata.name: must be non-empty")
	case bot.GetSpec() == nil:
		return nil, trace.BadParameter("bot.spec: must be non-nil")
	case req.GetUpdateMask() == nil:
		return nil, trace.BadParameter("update_mask: must be non-nil")
	case len(req.GetUpdateMask().GetPaths()) == 0:
		return nil, trace.BadParameter("update_mask.paths: must be non-empty")
	}
	name := resourceName(bot.GetMetadata().GetName())
	user, ok := s.cluster.state.user(name)
	if !ok {
		return nil, trace.Wrap(errUserNotFound(name), "getting bot user")
	}
	role, ok := s.cluster.state.role(name)
	if !ok {
		return nil, trace.Wrap(errRoleNotFound(name), "getting bot role")
	}
	for _, path := range req.GetUpdateMask().GetPaths() {
		switch {
		case path == "spec.roles":
			if slices.Contains(bot.GetSpec().GetRoles(), "") {
				return nil, trace.BadParameter("spec.roles: must not contain empty strings")
			}
			role.SetImpersonateConditions(types.Allow, types.ImpersonateConditions{Roles: bot.GetSpec().GetRoles()})
		case path == "spec.traits":
			user.SetTraits(traitsOf(bot))
		case path == "spec.max_session_ttl" && s.cluster.behaviour.botTTL:
			role.Spec.Options.MaxSessionTTL = types.NewDuration(bot.GetSpec().GetMaxSessionTtl().AsDuration())
		default:
			return nil, trace.BadParameter("update_mask: unsupported path %q", path)
		}
	}
	s.cluster.state.putUser(user)
	s.cluster.state.putRole(role)
	return s.cluster.bot(bot.GetMetadata().GetName())
}

// DeleteBot deletes user and role, and reports on both.
func (s *botService) DeleteBot(ctx context.Context, req *machineidv1.DeleteBotRequest) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindBot, types.VerbDelete); err != nil {
		return nil, err
	}
	if req.GetBotName() == "" {
		return nil, trace.BadParameter("bot_name: must be non-empty")
	}
	if err := s.cluster.removeBot(req.GetBotName()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}
