package cmd_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// The names that rows of this file find their bot and join token by.
const (
	refusedBot   = "refused-bot"
	refusedToken = "refused-token"
)

// refusedRun is a run of init whose join Teleport turns down, with parts of what a person is told.
type refusedRun struct {
	flavour testkit.Flavour
	// plane is a control plane of the row's own; nil is the shared one of the flavour.
	plane   *testkit.ControlPlane
	options teleporttest.Options
	// oidc is how the Auth Service reaches issuers; nil is an honest way to the plane's own.
	oidc func(*testing.T, *testkit.ControlPlane) *http.Client
	args []string
	// policy alters token requests in the row's namespace.
	policy *policy
	// atJoin changes Teleport between tbotctl's writes and each join that it judges.
	atJoin func(*bench)

	words, cause, seen, expected, fix string

	// mend does what the fix says beside running again; again are the flags that the fix adds. The run that follows has to prove
	// the join: a fix that mends nothing is none.
	mend  func(*testing.T, *bench)
	again []string
	// old runs the row also against a server before 17, which says it in oldWords where those differ.
	old      bool
	oldWords string
}

func refusals(t *testing.T, rows map[string]refusedRun) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.hold(t)
		})
		if !row.old {
			continue
		}
		row.options.Version = "16.4.7"
		if row.oldWords != "" {
			row.words = row.oldWords
		}
		t.Run(name+", 16", func(t *testing.T) {
			t.Parallel()
			row.hold(t)
		})
	}
}

func (row refusedRun) hold(t *testing.T) {
	t.Helper()
	b, end := row.bench(t)
	if row.policy != nil {
		row.policy.begin(t, b)
	}
	args := append([]string{"--bot-name", refusedBot, "--token-name", refusedToken}, row.args...)
	got := b.run(t, b.initArgs(append(args, "-o", "json")...)...)
	got.want(t, 3, "Teleport refused", row.words, row.cause)
	for label, want := range map[string]string{"seen:": row.seen, "expected:": row.expected, "fix:": row.fix} {
		if line := got.line(label); line == "" || !strings.Contains(line, want) {
			t.Errorf("the line %q, want %q after %q\n%s", line, want, label, got.stderr)
		}
	}
	row.holdDocument(t, got)
	_, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("a Deployment was made: %v", err)
	}
	b.noProbePods(t)
	b.noSecrets(t, got)
	end()
	if row.policy != nil && len(row.again) == 0 {
		row.policy.off.Store(true)
	}
	if row.mend != nil {
		row.mend(t, b)
	}
	b.run(t, b.initArgs(append(append(args, row.again...), "--no-wait")...)...).want(t, 0)
}

// holdDocument holds what a script reads to what a person reads.
func (row refusedRun) holdDocument(t *testing.T, got outcome) {
	t.Helper()
	var document struct {
		Proof struct {
			Status, Error string
			Cause         struct{ ID, Cause, Observed, Expected, Fix string }
		}
		Checks []struct{ ID, Status, Observed, Expected, Fix string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s", err, got.stdout)
	}
	proof, last := document.Proof, document.Checks[len(document.Checks)-1]
	if proof.Status != "failed" || !strings.Contains(proof.Error, row.words) || proof.Cause.ID == "" || !strings.Contains(proof.Cause.Cause, row.cause) ||
		!strings.Contains(proof.Cause.Observed, row.seen) || !strings.Contains(proof.Cause.Expected, row.expected) || !strings.Contains(proof.Cause.Fix, row.fix) {
		t.Errorf("proof %+v", proof)
	}
	if last.ID != "TBC801" || last.Status != "fail" || last.Observed != proof.Cause.Observed || last.Expected != proof.Cause.Expected || last.Fix != proof.Cause.Fix {
		t.Errorf("the last check %+v, want the join's with %+v", last, proof.Cause)
	}
}

// line is the last line on stderr that begins with the label.
func (o outcome) line(label string) string {
	found := ""
	for line := range strings.Lines(o.stderr) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, label) {
			found = line
		}
	}
	return found
}

// bench is a bench whose Teleport is changed right before each join; the returned function ends that.
func (row refusedRun) bench(t *testing.T) (b *bench, end func()) {
	t.Helper()
	var at atomic.Pointer[bench]
	options := row.options
	options.Before = func(_ context.Context, r teleporttest.Request) error {
		join := strings.HasSuffix(r.Method, "/RegisterUsingToken") || strings.HasSuffix(r.Method, "/host/credentials")
		if changed := at.Load(); changed != nil && join && row.atJoin != nil {
			row.atJoin(changed)
		}
		return nil
	}
	plane := row.plane
	if plane == nil {
		plane = testkit.Shared(t, row.flavour)
	}
	options = lab.Teleport(plane, options)
	if row.oidc != nil {
		options.OIDCClient = row.oidc(t, plane)
	}
	b = &bench{plane: plane, namespace: plane.Namespace(t), dir: t.TempDir(), teleport: teleporttest.New(t, options)}
	identity, err := b.teleport.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "admin.identity", identity)
	b.write(t, "web-ca.pem", b.teleport.WebCAPEM())
	at.Store(b)
	return b, func() { at.Store(nil) }
}

// token changes the join token that tbotctl wrote, as somebody else would.
func token(change func(*types.ProvisionTokenV2)) func(*bench) {
	return func(b *bench) {
		held, found := b.teleport.Token(refusedToken)
		if v2, ok := held.(*types.ProvisionTokenV2); found && ok {
			change(v2)
			b.teleport.PutToken(v2)
		}
	}
}

func allowing(account string) func(*bench) {
	return token(func(t *types.ProvisionTokenV2) { t.Spec.Kubernetes.Allow[0].ServiceAccount = account })
}

// published are the keys of a control plane as its API server serves them.
func published(t *testing.T, plane *testkit.ControlPlane) string {
	t.Helper()
	keys, _, err := plane.Kubectl(t.Context(), nil, "get", "--raw", "/openid/v1/jwks")
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func holding(jwks string) func(*bench) {
	return token(func(t *types.ProvisionTokenV2) { t.Spec.Kubernetes.StaticJWKS.JWKS = jwks })
}

// TestRefusedByTheJoinToken holds P03, P05 to P07 and P18: the join token is not as it has to be.
func TestRefusedByTheJoinToken(t *testing.T) {
	t.Parallel()
	others := published(t, testkit.Shared(t, testkit.CloudLike))
	past := func(t *types.ProvisionTokenV2) { t.SetExpiry(time.Now().Add(-time.Minute)) }
	refusals(t, map[string]refusedRun{
		"no longer there": {
			old: true, atJoin: token(past), words: "token expired or not found",
			cause: "no join token of this name", seen: `"lab.example.com" has no join token "refused-token"`, expected: `a join token "refused-token"`, fix: "init again",
		},
		"allow rule of another namespace": {
			old: true, atJoin: allowing("default:tbot"), words: "did not match any allow rules",
			cause: "does not let this service account in", seen: `allows "default:tbot"`, expected: `:tbot", letter by letter`, fix: "sets the allow rule to",
		},
		"allow rule with the prefix": {
			old: true, atJoin: allowing("system:serviceaccount:default:tbot"), words: "did not match any allow rules",
			cause: "carries the prefix", seen: `"system:serviceaccount:default:tbot"`, expected: ":tbot", fix: "init again",
		},
		"allow rule with a wildcard": {
			old: true, atJoin: allowing("default:*"), words: "did not match any allow rules",
			cause: "no wildcard", seen: `"default:*"`, expected: ":tbot", fix: "init again",
		},
		"roles of an app agent": {
			old: true, atJoin: token(func(t *types.ProvisionTokenV2) { t.Spec.Roles, t.Spec.BotName = types.SystemRoles{types.RoleApp}, "" }), words: "the token does not allow",
			cause: "something else than a bot", seen: `roles ["App"]`, expected: `["Bot"]`, fix: "sets the token's roles to Bot",
		},
		"another join method": {
			old: true, atJoin: token(func(t *types.ProvisionTokenV2) {
				t.Spec.JoinMethod, t.Spec.Allow = types.JoinMethodIAM, []*types.TokenRule{{AWSAccount: "111111111111"}}
			}), words: "only valid for the iam join method",
			cause: "another join method", seen: `join_method "iam"`, expected: `join_method "kubernetes"`, fix: "sets the join method to kubernetes",
		},
		"keys of another cluster": {
			old: true, oldWords: "unsupported key type/format", atJoin: holding(others), words: "JWK with matching kid not found",
			cause: "of another cluster", seen: `refused-token holds "`, expected: "which signed the service account token", fix: "the cluster's keys as they are now",
		},
		"a comment in the keys": {
			old: true, atJoin: token(func(t *types.ProvisionTokenV2) {
				t.Spec.Kubernetes.StaticJWKS.JWKS = "# Place the data here\n" + t.Spec.Kubernetes.StaticJWKS.JWKS
			}), words: "parsing provided jwks",
			cause: "not JSON that Teleport can read", seen: "line 1 of the JWKS is a comment", expected: "compact JSON", fix: "the cluster's keys anew",
		},
		"a type that the server is too old for": {
			options: teleporttest.Options{Version: "16.4.7"},
			atJoin: token(func(t *types.ProvisionTokenV2) {
				t.Spec.Kubernetes.Type, t.Spec.Kubernetes.StaticJWKS = types.KubernetesJoinTypeOIDC, nil
				t.Spec.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: "https://issuer.example.com"}
			}), words: "unsupported kubernetes join method type (oidc)",
			cause: "does not know the join token's type", seen: "Teleport 16.4.7", expected: "17.7.0, 18.1.5", fix: "--join-type static_jwks", again: []string{"--join-type", "static_jwks"},
		},
	})
}

// TestRefusedAfterARotation holds P03 by a real rotation of the keys: the join token has those of before.
func TestRefusedAfterARotation(t *testing.T) {
	t.Parallel()
	plane, err := testkit.Start(t.Context(), testkit.Options{Flavour: testkit.SelfManaged})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	before := published(t, plane)
	if err := plane.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusedRun{
		plane: plane, atJoin: holding(before), words: "JWK with matching kid not found",
		cause: "the cluster's keys were rotated since", seen: `refused-token holds "`, expected: "which signed the service account token", fix: "the cluster's keys as they are now",
	}.hold(t)
}

// TestRefusedByTheBot holds P17, where Teleport hides the reason, and P23.
func TestRefusedByTheBot(t *testing.T) {
	t.Parallel()
	var lock atomic.Pointer[string]
	lockOnce := func(b *bench) {
		name := b.teleport.Lock(refusedBot)
		lock.Store(&name)
	}
	refusals(t, map[string]refusedRun{
		"missing": {
			old: true, atJoin: func(b *bench) { b.teleport.DeleteBot(refusedBot) }, words: "access denied",
			cause: "does not exist", seen: `no bot "refused-bot"`, expected: `a bot "refused-bot"`, fix: "it makes the bot",
		},
		"another one named": {
			old: true, atJoin: token(func(t *types.ProvisionTokenV2) { t.Spec.BotName = "example" }), words: "access denied",
			cause: "names another bot", seen: `bot_name "example"`, expected: `"refused-bot"`, fix: "sets bot_name to refused-bot",
		},
		"locked": {
			atJoin: lockOnce, words: "lock targeting",
			cause: "somebody locked", seen: "is in force", expected: "no lock in force", fix: "tctl rm lock/",
			mend: func(_ *testing.T, b *bench) { b.teleport.Unlock(*lock.Load()) },
		},
		"without the roles of its output": {
			atJoin: func(b *bench) {
				if bot, found := b.teleport.Bot(refusedBot); found {
					b.teleport.PutBot(&machineidv1.Bot{Metadata: bot.GetMetadata(), Spec: &machineidv1.BotSpec{}})
				}
			}, words: "at least one role request is required",
			cause: "no roles for its output", seen: `bot "refused-bot" has no roles`, expected: `the roles "access"`, fix: "sets the bot's roles",
		},
	})
}

// TestRefusedByTheClock holds P37 for both ways of verifying.
func TestRefusedByTheClock(t *testing.T) {
	t.Parallel()
	rows := map[string]refusedRun{}
	for name, server := range map[string]struct {
		flavour testkit.Flavour
		version string
	}{"static_jwks": {testkit.SelfManaged, ""}, "static_jwks, 16": {testkit.SelfManaged, "16.4.7"}, "oidc": {testkit.CloudLike, ""}} {
		var ahead atomic.Int64
		rows[name] = refusedRun{
			flavour: server.flavour,
			options: teleporttest.Options{Version: server.version, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }},
			atJoin:  func(*bench) { ahead.Store(int64(20 * time.Minute)) }, words: "expired",
			cause: "the clocks differ", seen: "the token is valid from", expected: "on this machine it is", fix: "timedatectl",
			mend: func(*testing.T, *bench) { ahead.Store(0) },
		}
	}
	refusals(t, rows)
}
