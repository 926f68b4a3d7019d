package proof_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
)

const tokenText = "a-token-that-nobody-may-see"

// cluster stands for the Kubernetes cluster and writes down what is asked of it, in order. A call that errs names fails; one
// whose context has ended fails too.
type cluster struct {
	calls    []string
	errs     map[string]error
	running  *corev1.Pod
	pending  *corev1.Pod
	admit    func(*corev1.Pod) // what admission does to the probe pod
	audience string
	lifetime time.Duration
	bound    types.UID
	left     []types.UID // probe pods that are there
	during   func(call string)
	lost     error // in place of the answer to a pod that was made
}

func (c *cluster) call(ctx context.Context, name string) error {
	c.calls = append(c.calls, name)
	if c.during != nil {
		c.during(name)
	}
	return errors.Join(ctx.Err(), c.errs[name])
}

func (c *cluster) RunningPod(ctx context.Context, namespace, account string) (*corev1.Pod, error) {
	return c.running, c.call(ctx, "look for a pod of "+namespace+"/"+account)
}

func (c *cluster) PendingPod(ctx context.Context, _, _ string) (*corev1.Pod, error) {
	return c.pending, c.call(ctx, "look for a pod that waits")
}

func (c *cluster) ServiceAccountUID(ctx context.Context, _, _ string) (types.UID, error) {
	return "account", c.call(ctx, "read the account")
}

func (c *cluster) CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	created := pod.DeepCopy()
	created.UID = types.UID(created.Name)
	if ctx.Err() == nil && c.errs["create"] == nil {
		// A server makes the pod also where nobody waits for its answer any more.
		c.left = append(c.left, created.UID)
	}
	if err := errors.Join(c.call(ctx, "create"), c.lost); err != nil {
		return nil, err
	}
	if c.admit != nil {
		c.admit(created)
	}
	return created, nil
}

func (c *cluster) DeletePod(ctx context.Context, pod *corev1.Pod) error {
	if err := c.call(ctx, "delete"); err != nil {
		return err
	}
	c.left = slices.DeleteFunc(c.left, func(uid types.UID) bool { return uid == types.UID(pod.Name) })
	return nil
}

func (c *cluster) PodToken(ctx context.Context, pod *corev1.Pod, audience string, lifetime time.Duration) (spec.Secret, error) {
	c.audience, c.lifetime, c.bound = audience, lifetime, pod.UID
	return spec.NewSecret(tokenText), c.call(ctx, "token")
}

// prove runs a proof whose join is noted among the cluster's calls, and returns what was said of it.
func (c *cluster) prove(ctx context.Context, t *testing.T, joinType spec.JoinType, join func(context.Context) (proof.Outcome, error)) (proof.Result, []string, error) {
	t.Helper()
	var said []string
	result, err := proof.Proof{
		Kubernetes: c, Deployment: deployment(t, setup("machines")), JoinType: joinType,
		Join: func(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
			if token.Reveal() != tokenText {
				t.Errorf("the join was given another token: %v", token)
			}
			c.calls = append(c.calls, "join")
			return join(ctx)
		},
		Say: func(text string) { said = append(said, text) },
		Now: time.Now,
	}.Run(ctx)
	if text := fmt.Sprintf("%v %+v %v", said, result, err); strings.Contains(text, tokenText) {
		t.Errorf("the token was told: %s", text)
	}
	return result, said, err
}

func accepted(context.Context) (proof.Outcome, error) {
	return proof.Outcome{User: "bot-tbot", Via: "gRPC"}, nil
}

var errJoin = errors.New("teleport says no")

func TestOrderOfAProof(t *testing.T) {
	t.Parallel()
	refused := func(context.Context) (proof.Outcome, error) {
		return proof.Outcome{Notes: []string{"how far it came"}}, errJoin
	}
	const look = "look for a pod of machines/tbot"
	for name, row := range map[string]struct {
		joinType spec.JoinType
		join     func(context.Context) (proof.Outcome, error)
		want     []string
	}{
		"oidc":                 {spec.JoinOIDC, accepted, []string{look, "read the account", "create", "token", "delete", "join"}},
		"static_jwks":          {spec.JoinStaticJWKS, accepted, []string{look, "read the account", "create", "token", "delete", "join"}},
		"in_cluster":           {spec.JoinInCluster, accepted, []string{look, "read the account", "create", "token", "join", "delete"}},
		"oidc, refused":        {spec.JoinOIDC, refused, []string{look, "read the account", "create", "token", "delete", "join"}},
		"in_cluster, refused":  {spec.JoinInCluster, refused, []string{look, "read the account", "create", "token", "join", "delete"}},
		"static_jwks, refused": {spec.JoinStaticJWKS, refused, []string{look, "read the account", "create", "token", "delete", "join"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cluster{}
			result, said, err := c.prove(t.Context(), t, row.joinType, row.join)
			if !slices.Equal(c.calls, row.want) {
				t.Errorf("calls\n%v, want\n%v", c.calls, row.want)
			}
			if len(c.left) != 0 {
				t.Errorf("the pods %v are left behind", c.left)
			}
			if strings.HasSuffix(name, "refused") {
				if !errors.Is(err, errJoin) || result.From != "" || len(result.Notes) != 1 {
					t.Errorf("result %+v, error %v; want Teleport's own and how far it came", result, err)
				}
				return
			}
			if err != nil || result.User != "bot-tbot" || result.Via != "gRPC" {
				t.Errorf("result %+v, error %v", result, err)
			}
			if want := "this machine, with a token of service account machines/tbot bound to a pod that was never scheduled, made for this and removed"; result.From != want {
				t.Errorf("it was proven from %q, want %q", result.From, want)
			}
			if len(said) != 2 || !strings.HasPrefix(said[0], "making pod tbot-probe-") || said[1] != "presenting the token to Teleport" {
				t.Errorf("said %q", said)
			}
			if c.audience != "lab.example.com" || c.lifetime != 10*time.Minute {
				t.Errorf("a token for %q and %s was asked for, want what the Deployment's volume asks for", c.audience, c.lifetime)
			}
		})
	}
}

func TestRunningPodIsUsedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for _, joinType := range []spec.JoinType{spec.JoinOIDC, spec.JoinInCluster} {
		running := &corev1.Pod{Spec: corev1.PodSpec{ServiceAccountName: "tbot"}}
		running.Namespace, running.Name, running.UID = "machines", "tbot-abc", "running"
		c := &cluster{running: running}
		result, _, err := c.prove(t.Context(), t, joinType, accepted)
		if err != nil || c.bound != "running" || !strings.HasSuffix(result.From, "bound to running pod tbot-abc") {
			t.Errorf("%s: result %+v, error %v", joinType, result, err)
		}
		if slices.Contains(c.calls, "create") || slices.Contains(c.calls, "delete") {
			t.Errorf("%s: calls %v, want none that makes or deletes a pod", joinType, c.calls)
		}
	}
}

// A quota that has room for one pod, and a pod of the Deployment that does not come up: without it nobody could ever prove a mended one.
func TestPendingPodWhereAQuotaIsFull(t *testing.T) {
	t.Parallel()
	full := errors.New(`pods "tbot-probe" is forbidden: exceeded quota: one, requested: pods=1, used: pods=1, limited: pods=1`)
	pending := &corev1.Pod{Spec: corev1.PodSpec{ServiceAccountName: "tbot"}, Status: corev1.PodStatus{Phase: corev1.PodPending}}
	pending.Namespace, pending.Name, pending.UID = "machines", "tbot-stuck", "stuck"
	c := &cluster{pending: pending, errs: map[string]error{"create": full}}
	result, _, err := c.prove(t.Context(), t, spec.JoinInCluster, accepted)
	if err != nil || c.bound != "stuck" || !strings.HasSuffix(result.From, "bound to pod tbot-stuck, which does not run yet") || slices.Contains(c.calls, "delete") {
		t.Errorf("result %+v, error %v, calls %v", result, err, c.calls)
	}
	c = &cluster{errs: map[string]error{"create": full}}
	if _, _, err := c.prove(t.Context(), t, spec.JoinOIDC, accepted); !errors.Is(err, full) {
		t.Errorf("error %v where there is no such pod, want the quota's", err)
	}
	c = &cluster{pending: pending, errs: map[string]error{"create": errors.New("admission webhook denied the request")}}
	if _, _, err := c.prove(t.Context(), t, spec.JoinOIDC, accepted); err == nil || slices.Contains(c.calls, "look for a pod that waits") {
		t.Errorf("error %v, calls %v; another's no is no reason to take a pod that was let in earlier", err, c.calls)
	}
}

func TestFailuresLeaveNoPod(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	const look = "look for a pod of machines/tbot"
	for name, row := range map[string]struct {
		fails string
		want  string
		calls []string
	}{
		"the look":          {look, "broken", []string{look}},
		"the account":       {"read the account", "broken", []string{look, "read the account"}},
		"the pod":           {"create", "broken", []string{look, "read the account", "create", "delete"}},
		"the token":         {"token", "broken", []string{look, "read the account", "create", "token", "delete"}},
		"the pod's removal": {"delete", "is left behind, delete it by hand: broken", []string{look, "read the account", "create", "token", "delete", "delete", "delete"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cluster{errs: map[string]error{row.fails: broken}}
			_, _, err := c.prove(t.Context(), t, spec.JoinOIDC, accepted)
			if !errors.Is(err, broken) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one that says %q", err, row.want)
			}
			if !slices.Equal(c.calls, row.calls) {
				t.Errorf("calls %v, want %v", c.calls, row.calls)
			}
			if len(c.left) != 0 && row.fails != "delete" {
				t.Errorf("the pods %v are left behind", c.left)
			}
		})
	}
}

// What the API server turned down is not there; what it was asked for and did not answer may be.
func TestPodThatMayBeThere(t *testing.T) {
	t.Parallel()
	refused := apierrors.NewForbidden(corev1.Resource("pods"), "probe", errors.New("exceeded quota"))
	c := &cluster{errs: map[string]error{"create": refused}}
	_, _, err := c.prove(t.Context(), t, spec.JoinOIDC, accepted)
	if !apierrors.IsForbidden(err) || !strings.HasPrefix(err.Error(), "the cluster does not take a pod like the Deployment's") || slices.Contains(c.calls, "delete") {
		t.Errorf("error %v after %v, want the refusal, and nothing deleted", err, c.calls)
	}

	lost := errors.New("connection reset by peer")
	c = &cluster{lost: lost}
	_, _, err = c.prove(t.Context(), t, spec.JoinOIDC, accepted)
	if !errors.Is(err, lost) || strings.Contains(err.Error(), "does not take") || len(c.left) != 0 {
		t.Errorf("error %v after %v, left %v; want the trouble as it was, and the pod removed by its name", err, c.calls, c.left)
	}
}

// A broken connection leaves no pod behind.
func TestRemovalIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{errs: map[string]error{"delete": errors.New("connection reset by peer")}}
		c.during = func(call string) {
			if call == "delete" && slices.Contains(c.calls[:len(c.calls)-1], "delete") {
				c.errs = nil
			}
		}
		if _, _, err := c.prove(t.Context(), t, spec.JoinOIDC, accepted); err != nil || len(c.left) != 0 {
			t.Errorf("error %v after %v, left %v; want the second try to count", err, c.calls, c.left)
		}
	})
}

// Both what failed first and that the pod could not be removed have to be told.
func TestTwoFailuresAreBothTold(t *testing.T) {
	t.Parallel()
	c := &cluster{errs: map[string]error{"delete": errors.New("no right to delete")}}
	_, _, err := c.prove(t.Context(), t, spec.JoinInCluster, func(context.Context) (proof.Outcome, error) { return proof.Outcome{}, errJoin })
	if !errors.Is(err, errJoin) || !strings.Contains(err.Error(), "machines/tbot-probe-") || !strings.Contains(err.Error(), "no right to delete") {
		t.Errorf("error %v, want the refusal and the pod that is left", err)
	}
}

func TestDroppedGate(t *testing.T) {
	t.Parallel()
	for name, admit := range map[string]func(*corev1.Pod){
		"dropped": func(pod *corev1.Pod) { pod.Spec.SchedulingGates = nil },
		"bound":   func(pod *corev1.Pod) { pod.Spec.NodeName = "node-1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cluster{admit: admit}
			_, _, err := c.prove(t.Context(), t, spec.JoinOIDC, accepted)
			if err == nil || !strings.Contains(err.Error(), "scheduling gate") {
				t.Errorf("error %v, want one about the gate", err)
			}
			if len(c.left) != 0 || c.calls[len(c.calls)-1] != "delete" || slices.Contains(c.calls, "token") {
				t.Errorf("calls %v; want the pod deleted at once, without a token for it", c.calls)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		joinType spec.JoinType
		during   string
	}{
		"before anything":  {spec.JoinOIDC, "the start"},
		"while it is made": {spec.JoinOIDC, "create"},
		"in mid-join":      {spec.JoinInCluster, "join"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := &cluster{}
			switch row.during {
			case "the start":
				cancel()
			case "create":
				c.during = func(call string) {
					if call == "create" {
						cancel()
					}
				}
			}
			_, _, err := c.prove(ctx, t, row.joinType, func(ctx context.Context) (proof.Outcome, error) {
				cancel()
				return proof.Outcome{}, ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want the cancel", err)
			}
			if len(c.left) != 0 {
				t.Errorf("calls %v, and the pods %v are left behind", c.calls, c.left)
			}
			if made := slices.Contains(c.calls, "create"); made != (row.during != "the start") {
				t.Errorf("calls %v", c.calls)
			}
		})
	}
}
