package teleporttest

import (
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	apievents "github.com/gravitational/teleport/api/types/events"
)

// AddEvent writes an event to the audit log, behind those that are there: the log's order is that of its writing.
func (c *Cluster) AddEvent(event apievents.AuditEvent) { c.state.addEvent(event) }

// PutInstance makes or replaces a bot instance, with no regard to rights.
func (c *Cluster) PutInstance(instance *machineidv1.BotInstance) { c.state.putInstance(instance) }
