package teleport_test

import (
	"crypto/x509"
	"testing"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestAdminMFADemanded asks clusters of both ages with logins of several kinds; where the preference cannot be read, the proxy's word counts.
func TestAdminMFADemanded(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options teleporttest.Options
		user    string
		want    bool
	}{
		"demanded":                        {teleporttest.Options{AdminMFA: true}, "admin", true},
		"not demanded":                    {teleporttest.Options{}, "admin", false},
		"demanded by an old server":       {teleporttest.Options{AdminMFA: true, Version: "16.4.7"}, "admin", true},
		"not demanded by an old server":   {teleporttest.Options{Version: "16.4.7"}, "admin", false},
		"demanded, preference is denied":  {teleporttest.Options{AdminMFA: true}, "blind", true},
		"not demanded, preference denied": {teleporttest.Options{}, "blind", false},
		"a bot is exempt":                 {teleporttest.Options{AdminMFA: true}, "bot-robot", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := populated(t, row.options)
			got, err := clientAs(t, c, row.user).AdminMFA(t.Context(), targetOf(c))
			if err != nil || got != row.want {
				t.Errorf("got %v, %v; want %v", got, err, row.want)
			}
			for _, request := range c.Requests() {
				if request.Write {
					t.Errorf("the look wrote: %s", request.Method)
				}
			}
		})
	}
}

// TestAdminMFAUnknown holds that what nobody says is an error and not a no.
func TestAdminMFAUnknown(t *testing.T) {
	t.Parallel()
	c := populated(t, teleporttest.Options{AdminMFA: true})
	stranger := teleport.Target{Proxy: c.Addr(), CAs: x509.NewCertPool()}
	_, err := clientAs(t, c, "blind").AdminMFA(t.Context(), stranger)
	wantError(t, err, teleport.Denied, "authentication preference")
}

// populated is a cluster with a bot, and a user who may not read the authentication preference.
func populated(t *testing.T, options teleporttest.Options) *teleporttest.Cluster {
	t.Helper()
	c := teleporttest.New(t, options)
	role, err := types.NewRole("blind", types.RoleSpecV6{Deny: types.RoleConditions{
		Rules: []types.Rule{types.NewRule(types.KindClusterAuthPreference, []string{types.Wildcard})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.AddRole(role)
	c.AddUser("blind", "blind")
	c.PutBot(&machineidv1.Bot{
		Kind: types.KindBot, Version: types.V1, Metadata: &headerv1.Metadata{Name: "robot"}, Spec: &machineidv1.BotSpec{Roles: []string{"access"}},
	})
	return c
}
