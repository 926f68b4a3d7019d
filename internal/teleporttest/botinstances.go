package teleporttest

import (
	"context"
	"strings"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/emptypb"
)

// latestHeartbeats is how many heartbeats an instance remembers.
const latestHeartbeats = 10

// botInstanceService is teleport.machineid.v1.BotInstanceService.
type botInstanceService struct {
	machineidv1.UnimplementedBotInstanceServiceServer

	cluster *Cluster
}

// GetBotInstance reads one instance.
func (s *botInstanceService) GetBotInstance(ctx context.Context, req *machineidv1.GetBotInstanceRequest) (*machineidv1.BotInstance, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindBotInstance, types.VerbRead); err != nil {
		return nil, err
	}
	instance, ok := s.cluster.state.instance(req.GetInstanceId())
	if !ok || instance.GetSpec().GetBotName() != req.GetBotName() {
		return nil, errInstanceNotFound(req.GetInstanceId())
	}
	return instance, nil
}

// ListBotInstances lists the instances of a bot or of all.
func (s *botInstanceService) ListBotInstances(ctx context.Context, req *machineidv1.ListBotInstancesRequest) (*machineidv1.ListBotInstancesResponse, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindBotInstance, types.VerbList, types.VerbRead); err != nil {
		return nil, err
	}
	var all []*machineidv1.BotInstance
	for _, i := range s.cluster.state.botInstances(req.GetFilterBotName()) {
		term := req.GetFilterSearchTerm()
		if term == "" || strings.Contains(i.GetSpec().GetBotName(), term) || strings.Contains(i.GetSpec().GetInstanceId(), term) {
			all = append(all, i)
		}
	}
	instances, next, err := page(all, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &machineidv1.ListBotInstancesResponse{BotInstances: instances, NextPageToken: next}, nil
}

// DeleteBotInstance forgets an instance. Its certificates are good until they end.
func (s *botInstanceService) DeleteBotInstance(ctx context.Context, req *machineidv1.DeleteBotInstanceRequest) (*emptypb.Empty, error) {
	if _, err := s.cluster.authorize(ctx, true, types.KindBotInstance, types.VerbDelete); err != nil {
		return nil, err
	}
	instance, ok := s.cluster.state.instance(req.GetInstanceId())
	if !ok || instance.GetSpec().GetBotName() != req.GetBotName() {
		return nil, errInstanceNotFound(req.GetInstanceId())
	}
	s.cluster.state.deleteInstance(req.GetInstanceId())
	return &emptypb.Empty{}, nil
}

// SubmitHeartbeat is for the instance itself: the certificate says which one that is.
func (s *botInstanceService) SubmitHeartbeat(ctx context.Context, req *machineidv1.SubmitHeartbeatRequest) (*machineidv1.SubmitHeartbeatResponse, error) {
	who, err := callerFrom(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case who.botName == "":
		return nil, trace.AccessDenied("identity did not contain bot name")
	case who.botInstanceID == "":
		return nil, trace.AccessDenied("identity did not contain bot instance id")
	case req.GetHeartbeat() == nil:
		return nil, trace.BadParameter("heartbeat: must be non-nil")
	}
	instance, ok := s.cluster.state.instance(who.botInstanceID)
	if !ok {
		return nil, errInstanceNotFound(who.botInstanceID)
	}
	if req.GetHeartbeat().GetIsStartup() {
		instance.Status.InitialHeartbeat = req.GetHeartbeat()
	}
	latest := append(instance.GetStatus().GetLatestHeartbeats(), req.GetHeartbeat())
	if extra := len(latest) - latestHeartbeats; extra > 0 {
		latest = latest[extra:]
	}
	instance.Status.LatestHeartbeats = latest
	s.cluster.state.putInstance(instance)
	return &machineidv1.SubmitHeartbeatResponse{}, nil
}

func errInstanceNotFound(id string) error {
	return trace.NotFound("bot_instance %q doesn't exist", id)
}
