package teleporttest

import (
	"context"
	"slices"
	"strconv"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// UpsertTokenV2 needs create and update; both are missing together for who has neither (recordings/auth-calls.json).
func (s *authService) UpsertTokenV2(ctx context.Context, req *proto.UpsertTokenV2Request) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindToken, types.VerbCreate, types.VerbUpdate); err != nil {
		return nil, err
	}
	token := req.GetV2()
	if err := s.cluster.checkNewToken(token); err != nil {
		return nil, err
	}
	s.cluster.state.putToken(token)
	return &emptypb.Empty{}, nil
}

// CreateTokenV2 refuses a name that is taken.
func (s *authService) CreateTokenV2(ctx context.Context, req *proto.CreateTokenV2Request) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindToken, types.VerbCreate); err != nil {
		return nil, err
	}
	token := req.GetV2()
	if err := s.cluster.checkNewToken(token); err != nil {
		return nil, err
	}
	if _, ok := s.cluster.state.token(token.GetName()); ok {
		return nil, trace.AlreadyExists("key %q already exists", "/tokens/"+token.GetName())
	}
	s.cluster.state.putToken(token)
	return &emptypb.Empty{}, nil
}

// checkNewToken is what a server says to a token before it stores it (teleport-facts 3.6). An older server does not
// know the type oidc; everything else is the api module's own check.
func (c *Cluster) checkNewToken(token *types.ProvisionTokenV2) error {
	if token == nil {
		return trace.BadParameter("token not provided in request")
	}
	k := token.Spec.Kubernetes
	if k != nil && k.Type == types.KubernetesJoinTypeOIDC && !c.behaviour.oidcType {
		return errTypeUnsupported(k.Type)
	}
	return trace.Wrap(token.CheckAndSetDefaults())
}

// GetToken needs MFA too, where admin actions do: a token can be a secret.
func (s *authService) GetToken(ctx context.Context, req *types.ResourceRequest) (*types.ProvisionTokenV2, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindToken, types.VerbRead); err != nil {
		return nil, err
	}
	token, ok := s.cluster.state.token(req.Name)
	if !ok {
		return nil, errTokenNotFound(req.Name)
	}
	return token, nil
}

// GetTokens lists all tokens.
func (s *authService) GetTokens(ctx context.Context, _ *emptypb.Empty) (*types.ProvisionTokenV2List, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindToken, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	return &types.ProvisionTokenV2List{ProvisionTokens: s.cluster.tokens(func(*types.ProvisionTokenV2) bool { return true })}, nil
}

// ListProvisionTokens lists tokens page by page, filtered by role and bot.
func (s *authService) ListProvisionTokens(ctx context.Context, req *proto.ListProvisionTokensRequest) (*proto.ListProvisionTokensResponse, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindToken, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	all := s.cluster.tokens(func(t *types.ProvisionTokenV2) bool {
		if req.FilterBotName != "" && t.GetBotName() != req.FilterBotName {
			return false
		}
		return len(req.FilterRoles) == 0 || slices.ContainsFunc(req.FilterRoles, func(role string) bool {
			return slices.Contains(t.GetRoles(), types.SystemRole(role))
		})
	})
	tokens, next, err := page(all, req.Limit, req.StartKey)
	if err != nil {
		return nil, err
	}
	return &proto.ListProvisionTokensResponse{Tokens: tokens, NextKey: next}, nil
}

func (c *Cluster) tokens(keep func(*types.ProvisionTokenV2) bool) []*types.ProvisionTokenV2 {
	var out []*types.ProvisionTokenV2
	for _, name := range c.state.tokenNames() {
		if t, ok := c.state.token(name); ok && keep(t) {
			out = append(out, t)
		}
	}
	return out
}

// DeleteToken deletes a token by its name.
func (s *authService) DeleteToken(ctx context.Context, req *types.ResourceRequest) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindToken, types.VerbDelete); err != nil {
		return nil, err
	}
	if !s.cluster.state.deleteToken(req.Name) {
		return nil, errTokenNotFound(req.Name)
	}
	return &emptypb.Empty{}, nil
}

// defaultPage is the page size where the client asks for none.
const defaultPage = 200

// page cuts a page out of a list. The key of a page is the number of items before it.
func page[T any](all []T, size int32, key string) (items []T, next string, err error) {
	start := 0
	if key != "" {
		start, err = strconv.Atoi(key)
		if err != nil || start < 0 || start > len(all) {
			return nil, "", trace.BadParameter("invalid page token %q", key)
		}
	}
	if size <= 0 {
		size = defaultPage
	}
	end := min(start+int(size), len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[start:end], next, nil
}
