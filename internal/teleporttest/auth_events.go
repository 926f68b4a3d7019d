package teleporttest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	auditlogv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/auditlog/v1"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	"github.com/gravitational/trace"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// GetEvents searches the audit log; the api client calls it SearchEvents.
func (s *authService) GetEvents(ctx context.Context, req *proto.GetEventsRequest) (*proto.Events, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindEvent, types.VerbList); err != nil {
		return nil, err
	}
	found := s.cluster.search(req.StartDate, req.EndDate, req.EventTypes, newestFirst(types.EventOrder(req.Order)))
	events, next, err := page(found, req.Limit, req.StartKey)
	if err != nil {
		return nil, err
	}
	out := &proto.Events{LastKey: next}
	for _, e := range events {
		item, err := apievents.ToOneOf(e)
		if err != nil {
			return nil, trace.Wrap(err)
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// newestFirst reads the order as client and server do: by the numbers of types.EventOrder, in which ascending is 0,
// although the protobuf enum of the same field calls 0 descending.
func newestFirst(order types.EventOrder) bool { return order == types.EventOrderDescending }

// search returns the events in a span of time, of the given types or of all.
func (c *Cluster) search(from, to time.Time, eventTypes []string, newestFirst bool) []apievents.AuditEvent {
	var out []apievents.AuditEvent
	for _, e := range c.state.allEvents() {
		at := e.GetTime()
		if at.Before(from) || at.After(to) {
			continue
		}
		if len(eventTypes) == 0 || slices.Contains(eventTypes, e.GetType()) {
			out = append(out, e)
		}
	}
	if newestFirst {
		slices.Reverse(out)
	}
	return out
}

// auditService is teleport.auditlog.v1.AuditLogService, for searching events as structs.
type auditService struct {
	auditlogv1.UnimplementedAuditLogServiceServer

	cluster *Cluster
}

// GetUnstructuredEvents searches the audit log; the api client calls it SearchUnstructuredEvents.
func (s *auditService) GetUnstructuredEvents(ctx context.Context, req *auditlogv1.GetUnstructuredEventsRequest) (*auditlogv1.EventsUnstructured, error) {
	if _, err := s.cluster.authorize(ctx, false, types.KindEvent, types.VerbList); err != nil {
		return nil, err
	}
	found := s.cluster.search(req.GetStartDate().AsTime(), req.GetEndDate().AsTime(), req.GetEventTypes(),
		newestFirst(types.EventOrder(req.GetOrder())))
	events, next, err := page(found, req.GetLimit(), req.GetStartKey())
	if err != nil {
		return nil, err
	}
	out := &auditlogv1.EventsUnstructured{LastKey: next}
	for _, e := range events {
		item, err := unstructured(e)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

func unstructured(e apievents.AuditEvent) (*auditlogv1.EventUnstructured, error) {
	encoded, err := json.Marshal(e)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		return nil, trace.Wrap(err)
	}
	content, err := structpb.NewStruct(fields)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	return &auditlogv1.EventUnstructured{
		Type:         e.GetType(),
		Id:           e.GetID(),
		Time:         timestamppb.New(e.GetTime()),
		Index:        e.GetIndex(),
		Unstructured: content,
	}, nil
}
