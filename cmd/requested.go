package cmd

import (
	"context"
	"slices"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// requestedWorkload is the tbot that a request is for, as far as the Teleport side knows of it: whose service account joins, by which
// token, through which proxy. What runs in Kubernetes may be something else.
func requestedWorkload(s spec.Setup) checks.Workload {
	n := s.Names()
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: n.Namespace, Name: s.Name}}
	deployment.Spec.Template.Spec.ServiceAccountName = n.ServiceAccount
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "tbot"}}
	return checks.Workload{Deployment: deployment, Config: tbotconfig.For(s)}
}

// rightCluster holds the proxy to the Teleport cluster that the request is for.
func (s *session) rightCluster(ctx context.Context) error {
	server, err := s.clusters.server(ctx)
	if err != nil {
		return err
	}
	now := *s.setup.Resolved
	now.ClusterName = server.ClusterName
	return s.samePair(&now)
}

// lookAtTeleport is the evidence for whoever has the Teleport side alone: when the bot came last, by its instances and the audit log. No
// join token is read for it.
func (r *verifyRun) lookAtTeleport(ctx context.Context) error {
	if err := r.rightCluster(ctx); err != nil {
		return err
	}
	server, err := r.clusters.server(ctx)
	if err != nil {
		return err
	}
	if _, err := r.clusters.admin(ctx); err != nil {
		return err
	}
	n := r.setup.Names()
	r.workload = requestedWorkload(r.setup)
	r.result.Target = report.VerifyTarget{
		Deployment: n.Namespace + "/" + r.setup.Name, ServiceAccount: n.Namespace + "/" + n.ServiceAccount, Config: "the request",
		Proxy: r.setup.Teleport.Proxy, ClusterName: server.ClusterName, ServerVersion: server.Version,
	}
	r.sayWhere()
	facts := r.clusters.facts()
	facts.Live = r.clusters.requestedLive(r.workload, n.Bot)
	facts.Live.MaxAge, facts.Live.Now = r.maxAge, r.clusters.clock
	r.result.Evidence = checks.Run(ctx, checks.EvidenceAtTeleport(), facts, func(result checks.Result) {
		r.progress.Looking(string(result.Check.ID) + " " + result.Check.Title)
	})
	r.result.NotTested = []string{"the join itself, the pod and what it writes, which are in Kubernetes; `tbotctl verify --side kubernetes` looks at them"}
	r.judgeEvidence()
	if !slices.ContainsFunc(r.result.Evidence, func(result checks.Result) bool { return result.Finding.Status != checks.Skip }) {
		r.unseen = append(r.unseen, "when the bot came last") // neither instances nor an audit log
	}
	return broken(ctx)
}

// requestedLive are the facts of Teleport about the bot that was asked for.
func (c *clusters) requestedLive(w checks.Workload, bot string) *checks.Live {
	return &checks.Live{
		Workload: w,
		Instance: checks.Once(func(ctx context.Context) (*machineidv1.BotInstance, error) {
			return c.instanceOf(ctx, w, checks.Holder{Bot: bot})
		}),
		Joins: checks.Once(func(ctx context.Context) ([]checks.JoinEvent, error) { return c.joinsOf(ctx, w, bot) }),
	}
}
