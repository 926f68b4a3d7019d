package tbot_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// agentToken is a join token for an agent's services that admits default:tbot.
func (l lab) agentToken(t *testing.T, roles ...types.SystemRole) tbot.HostRequest {
	t.Helper()
	token := staticToken(t, l.issuer)
	token.Metadata.Name, token.Spec.BotName, token.Spec.Roles = "agents", "", roles
	l.PutToken(token)
	return tbot.HostRequest{Cluster: l.cluster, Token: "agents", IDToken: l.request(t).IDToken, Role: "App"}
}

func TestJoinHost(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options teleporttest.Options
		via     string
	}{
		"18.x over gRPC":                         {teleporttest.Options{Version: "18.2.0"}, "gRPC RegisterUsingToken"},
		"16.x over HTTP, for want of the call":   {teleporttest.Options{Version: "16.4.7"}, "HTTP host/credentials"},
		"18.x over HTTP, behind a load balancer": {teleporttest.Options{Version: "18.2.0", BehindL7LB: true}, "HTTP host/credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, row.options)
			request := l.agentToken(t, types.RoleApp, types.RoleKube)
			for _, role := range []string{"App", "Kube"} {
				request.Role = role
				host, err := tbot.JoinHost(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				if !regexp.MustCompile(`^[0-9a-f-]{36}\.`+clusterName+`$`).MatchString(host.Name) || host.Role != role || host.Via != row.via {
					t.Errorf("joined as %+v, want role %s via %s", host, role, row.via)
				}
			}
			events := l.Events()
			if len(events) != 2 {
				t.Fatalf("audit log: %v", events)
			}
			if joined, ok := events[0].(*apievents.InstanceJoin); !ok || joined.NodeName != "tbotctl-proof" || joined.Role != "App" || joined.TokenName != "agents" {
				t.Errorf("audit log: %v", events[0])
			}
		})
	}
}

// A token is good for the roles that it names and no others, in Teleport's own words (field-notes P18).
func TestJoinHostRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{})
	for name, row := range map[string]struct {
		change func(*tbot.HostRequest)
		says   string
	}{
		"another role":  {func(r *tbot.HostRequest) { r.Role = "Db" }, `the token does not allow "Db" role`},
		"a bot's token": {func(r *tbot.HostRequest) { r.Token = tokenName }, `the token does not allow "App" role`},
		"no such token": {func(r *tbot.HostRequest) { r.Token = "none" }, `"tbotctl-proof" can not join the cluster with role "App", token expired or not found`},
	} {
		request := l.agentToken(t, types.RoleApp)
		row.change(&request)
		_, err := tbot.JoinHost(t.Context(), request)
		var refused *tbot.Refused
		if !errors.As(err, &refused) || !strings.Contains(refused.Message, row.says) {
			t.Errorf("%s: %v, want %s", name, err, row.says)
		}
	}
}
