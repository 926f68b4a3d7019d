package cmd

import (
	"context"
	"fmt"
	"time"
)

// clockTolerance is how far this machine's clock may be off before it is said, and no longer judged by: more than a Date header's
// rounding and a slow answer make, and less than what ends a certificate early.
const clockTolerance = time.Minute

// clock is the time that certificates and pods are judged by: the API server's where this machine's clock is off.
func (c *clusters) clock() time.Time {
	if server, off := c.clockOff(); off {
		return server
	}
	return c.now()
}

// clockOff gives the time by the API server's clock where this machine's differs; off is false as long as it has not answered.
func (c *clusters) clockOff() (server time.Time, off bool) {
	if c.kube == nil {
		return server, false
	}
	server, known := c.kube.Now()
	return server, known && c.now().Sub(server).Abs() > clockTolerance
}

// clockAsked is clockOff, which asks the API server first where it was not asked yet.
func (c *clusters) clockAsked(ctx context.Context) (server time.Time, off bool) {
	// One that does not answer is another check's finding.
	_, _ = c.version(ctx)
	return c.clockOff()
}

// sayClock says once that this machine's clock is off. Tokens and certificates carry the servers' time, so nothing else is wrong.
func (s *session) sayClock() {
	server, off := s.clusters.clockOff()
	if !off || s.clockSaid {
		return
	}
	s.clockSaid = true
	local := s.factory.Now()
	how := "ahead of"
	if local.Before(server) {
		how = "behind"
	}
	const second = "15:04:05"
	s.progress.Warn(fmt.Sprintf("this machine's clock says %s UTC and is %s %s the API server's, %s UTC, which is what times are judged by here; set it (timedatectl shows it)",
		local.UTC().Format(second), local.Sub(server).Abs().Round(time.Second), how, server.UTC().Format(second)))
}
