package teleporttest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestBotInstanceOfJoin: what a join records, and what a join over a live identity adds (teleport-facts 2.9).
func TestBotInstanceOfJoin(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{})
	if _, err := j.client.RegisterUsingToken(withTimeout(t), j.keys.request("example-bot", j.issuer.sign(t, goodClaims(nil)))); err != nil {
		t.Fatal(err)
	}
	id := j.cluster.Instances("example")[0].GetSpec().GetInstanceId()
	admin := clientAs(t, j.cluster, "admin").BotInstanceServiceClient()
	instance, err := admin.GetBotInstance(withTimeout(t), &machineidv1.GetBotInstanceRequest{BotName: "example", InstanceId: id})
	if err != nil {
		t.Fatal(err)
	}
	latest := instance.GetStatus().GetLatestAuthentications()
	if len(latest) != 2 || latest[0].GetGeneration() != 1 || latest[1].GetGeneration() != 2 {
		t.Fatalf("authentications %v, want generations 1 and 2", latest)
	}
	for _, a := range append(latest, instance.GetStatus().GetInitialAuthentication()) {
		kubernetes := a.GetJoinAttrs().GetKubernetes()
		if a.GetJoinMethod() != "kubernetes" || a.GetJoinToken() != "example-bot" || time.Since(a.GetAuthenticatedAt().AsTime()) > time.Minute ||
			a.GetJoinAttrs().GetMeta().GetJoinTokenName() != "example-bot" || kubernetes.GetSubject() != "system:serviceaccount:default:tbot" ||
			kubernetes.GetServiceAccount().GetNamespace() != "default" || kubernetes.GetServiceAccount().GetName() != "tbot" || kubernetes.GetPod().GetName() != "probe" {
			t.Errorf("authentication %v", a)
		}
	}
}

// TestBotInstanceRights: looking and deleting ask for rights of their own, deleting also for a touch; 16.x has none of it.
func TestBotInstanceRights(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{AdminMFA: true})
	id := j.cluster.Instances("example")[0].GetSpec().GetInstanceId()
	get := &machineidv1.GetBotInstanceRequest{BotName: "example", InstanceId: id}
	remove := &machineidv1.DeleteBotInstanceRequest{BotName: "example", InstanceId: id}
	plain, admin := clientAs(t, j.cluster, "plain").BotInstanceServiceClient(), clientAs(t, j.cluster, "admin").BotInstanceServiceClient()
	refusal := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	call := func(name, want string, do func() error) {
		t.Helper()
		if got := refusal(do()); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	denied := func(verb string) string {
		return fmt.Sprintf("access denied to perform action %q on %q", verb, "bot_instance")
	}
	call("plain reads", denied("read"), func() error { _, err := plain.GetBotInstance(withTimeout(t), get); return err })
	call("plain deletes", denied("delete"), func() error { _, err := plain.DeleteBotInstance(withTimeout(t), remove); return err })
	call("plain lists", denied("list")+", "+denied("read"), func() error {
		_, err := plain.ListBotInstances(withTimeout(t), &machineidv1.ListBotInstancesRequest{})
		return err
	})
	call("the bot reads itself", denied("read"), func() error {
		_, err := j.client.BotInstanceServiceClient().GetBotInstance(withTimeout(t), get)
		return err
	})
	call("admin reads", "", func() error { _, err := admin.GetBotInstance(withTimeout(t), get); return err })
	call("admin deletes", "admin-level API request requires MFA verification", func() error {
		_, err := admin.DeleteBotInstance(withTimeout(t), remove)
		return err
	})
	call("of another bot", fmt.Sprintf("bot_instance %q doesn't exist", id), func() error {
		_, err := admin.GetBotInstance(withTimeout(t), &machineidv1.GetBotInstanceRequest{BotName: "other", InstanceId: id})
		return err
	})
	old := clientAs(t, teleporttest.New(t, teleporttest.Options{Version: recorded}), "admin").BotInstanceServiceClient()
	call("16.x", "unknown service teleport.machineid.v1.BotInstanceService", func() error {
		_, err := old.DeleteBotInstance(withTimeout(t), remove)
		return err
	})
}

// TestWritesAndTokenReads: the log can be asked who only looked.
func TestWritesAndTokenReads(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	admin := clientAs(t, c, "admin")
	get(t, c, "/webapi/find")
	if _, err := admin.GetRole(withTimeout(t), "access"); err != nil {
		t.Fatal(err)
	}
	if got := append(c.Writes(), c.TokenReads()...); len(got) != 0 {
		t.Errorf("looking gave %q", got)
	}
	if err := admin.UpsertToken(withTimeout(t), staticToken("t", "x")); err != nil {
		t.Fatal(err)
	}
	for _, read := range []func() error{
		func() error { _, err := admin.GetToken(withTimeout(t), "t"); return err },
		func() error { _, err := admin.GetTokens(withTimeout(t)); return err },
		func() error { _, _, err := admin.ListProvisionTokens(withTimeout(t), 0, "", nil, ""); return err },
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
	}
	joinOverHTTP(t, c, newSubjectKeys(t).request("none", ""))
	if got, want := c.Writes(), []string{"/proto.AuthService/UpsertTokenV2", "POST /v1/webapi/host/credentials"}; !slices.Equal(got, want) {
		t.Errorf("Writes() = %q, want %q", got, want)
	}
	want := []string{"/proto.AuthService/GetToken", "/proto.AuthService/GetTokens", "/proto.AuthService/ListProvisionTokens"}
	if got := c.TokenReads(); !slices.Equal(got, want) {
		t.Errorf("TokenReads() = %q, want %q", got, want)
	}
	c.Reset()
	if got := append(c.Writes(), c.TokenReads()...); len(got) != 0 {
		t.Errorf("after Reset: %q", got)
	}
}
