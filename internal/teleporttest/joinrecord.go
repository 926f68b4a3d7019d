package teleporttest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gogo/protobuf/jsonpb"
	"github.com/google/uuid"
	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	workloadidentityv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/workloadidentity/v1"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	// botJoinEvent and its codes are those of the audit log (recordings/audit-bot-join.json; the failure code is
	// in teleport-facts by way of field-notes 0.3).
	botJoinEvent       = "bot.join"
	botJoinCode        = "TJ001I"
	botJoinFailureCode = "TJ001E"
	// instanceMargin is how long an instance's record outlives its certificate (teleport-facts 2.9).
	instanceMargin = 15 * time.Minute
	// latestAuthentications is how many renewals an instance remembers.
	latestAuthentications = 10
)

// recordInstance makes or continues the bot instance of a join, and returns its ID and generation. Who joins over a
// live identity of the same bot stays the same instance; anybody else is a new one (teleport-facts 2.9).
func (c *Cluster) recordInstance(req joinRequest, token *types.ProvisionTokenV2, attrs *workloadidentityv1.JoinAttrs, expires time.Time) (string, int32) {
	authentication := &machineidv1.BotInstanceStatusAuthentication{
		AuthenticatedAt: timestamppb.New(c.opts.Now()),
		JoinMethod:      string(token.GetJoinMethod()),
		JoinToken:       token.GetSafeName(),
		PublicKey:       req.PublicTLSKey,
		JoinAttrs:       attrs,
		Generation:      1,
	}
	expiry := timestamppb.New(expires.Add(instanceMargin))
	if prev := req.previous; prev != nil && prev.botName == token.GetBotName() {
		if instance, ok := c.state.instance(prev.botInstanceID); ok {
			authentication.Generation = prev.generation + 1
			latest := append(instance.Status.LatestAuthentications, authentication)
			if extra := len(latest) - latestAuthentications; extra > 0 {
				latest = latest[extra:]
			}
			instance.Status.LatestAuthentications = latest
			instance.Metadata.Expires = expiry
			c.state.putInstance(instance)
			return prev.botInstanceID, authentication.Generation
		}
	}
	id := uuid.NewString()
	c.state.putInstance(&machineidv1.BotInstance{
		Kind:     types.KindBotInstance,
		Version:  types.V1,
		Metadata: &headerv1.Metadata{Name: id, Expires: expiry},
		Spec:     &machineidv1.BotInstanceSpec{BotName: token.GetBotName(), InstanceId: id},
		Status: &machineidv1.BotInstanceStatus{
			InitialAuthentication: authentication,
			LatestAuthentications: []*machineidv1.BotInstanceStatusAuthentication{authentication},
		},
	})
	return id, authentication.Generation
}

func (c *Cluster) emitJoin(ctx context.Context, req joinRequest, seen joinSeen, id identity) {
	e := c.joinEvent(ctx, req, seen)
	e.Code = botJoinCode
	e.Success = true
	e.UserName = id.username
	e.BotInstanceID = id.botInstanceID
	c.state.addEvent(e)
}

// emitRefusedJoin logs the reason that the client may not have been told.
func (c *Cluster) emitRefusedJoin(ctx context.Context, req joinRequest, seen joinSeen, cause error) {
	e := c.joinEvent(ctx, req, seen)
	e.Code = botJoinFailureCode
	e.Error = cause.Error()
	c.state.addEvent(e)
}

func (c *Cluster) joinEvent(ctx context.Context, req joinRequest, seen joinSeen) *apievents.BotJoin {
	e := &apievents.BotJoin{
		Metadata: apievents.Metadata{
			ID:          uuid.NewString(),
			Type:        botJoinEvent,
			Time:        c.opts.Now().UTC().Truncate(time.Millisecond),
			ClusterName: c.opts.ClusterName,
		},
	}
	if c.behaviour.newFind {
		e.RemoteAddr = req.remoteIP
	}
	if seen.token != nil {
		e.BotName = seen.token.GetBotName()
		e.Method = string(seen.token.GetJoinMethod())
		e.TokenName = seen.token.GetSafeName()
	}
	if seen.proof != nil {
		attributes, err := toStruct(seen.proof)
		if err != nil {
			c.logger.WarnContext(ctx, "Unable to encode join attributes for join audit event", "error", err)
		}
		e.Attributes = attributes
	}
	return e
}

// toStruct turns a JSON object into the event's own struct type.
func toStruct(v any) (*apievents.Struct, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	out := &apievents.Struct{}
	if err := jsonpb.UnmarshalString(string(encoded), &out.Struct); err != nil {
		return nil, trace.Wrap(err)
	}
	return out, nil
}
