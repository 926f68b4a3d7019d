package cmd_test

import (
	"encoding/json"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// initDocument is what a script reads of `init -o json`.
type initDocument struct {
	SchemaVersion int
	Setup         struct{ Bot, Token, Namespace, Deployment, OutputSecret, Image, Install string }
	Discovery     struct {
		Issuer string
		Public bool
	}
	JoinType  struct{ Chosen, Reason, SeenFrom string }
	Resources []struct {
		System, Kind, Name, Action string
		Applied                    bool
	}
	Proof struct {
		Status, From, User, Via string
		Outputs                 []struct {
			Roles []string
			Files []string
		}
		Notes []string
	}
	Checks []struct{ ID, Status, Observed string }
	Error  string
}

func TestInit(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		flavour testkit.Flavour
		options teleporttest.Options
		join    string
		via     string
	}{
		"self-managed, 18": {testkit.SelfManaged, teleporttest.Options{}, "static_jwks", "gRPC RegisterUsingToken"},
		"cloud-like, 18":   {testkit.CloudLike, teleporttest.Options{}, "oidc", "gRPC RegisterUsingToken"},
		"cloud-like, 16":   {testkit.CloudLike, teleporttest.Options{Version: "16.4.0"}, "static_jwks", "HTTP host/credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.flavour, row.options)
			said := b.play(t)
			got := b.run(t, b.initArgs("-o", "json")...)
			t.Logf("stderr:\n%s\nplayer: %s", got.stderr, said())
			got.want(t, 0)
			var document initDocument
			if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
				t.Fatal(err)
			}
			if document.JoinType.Chosen != row.join {
				t.Errorf("join type %s, want %s (%s)", document.JoinType.Chosen, row.join, document.JoinType.Reason)
			}
			if document.Proof.Status != "proven" || document.Proof.Via != row.via {
				t.Errorf("proof %+v, want proven via %s", document.Proof, row.via)
			}
		})
	}
}
