package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// Player stands in for the containers that kwok does not run: for each tbot pod that is Running it does what its tbot would,
// with the embedded runtime, the pod's own configuration and token, and the rights of the pod's service account.
type Player struct {
	Plane     *testkit.ControlPlane
	Namespace string
	// Selector picks the pods by their labels; those that tbotctl made where it is empty.
	Selector string
	// ProxyCA is the authority of the proxy's certificate for pods that mount none: for them it stands for a public one.
	ProxyCA string
	// Say tells of each pod that was played, and of what came of it.
	Say func(string)
}

// pollEvery is how often the player looks for new pods.
const pollEvery = 200 * time.Millisecond

// Play plays until the context ends, each pod once.
func (p Player) Play(ctx context.Context) {
	played := map[types.UID]bool{}
	selector := cmp.Or(p.Selector, spec.LabelManagedBy+"="+spec.ManagedBy)
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		pods, err := p.Plane.Client().CoreV1().Pods(p.Namespace).List(ctx, metav1.ListOptions{
			LabelSelector: selector, FieldSelector: "status.phase=Running",
		})
		if err == nil {
			for i := range pods.Items {
				if pod := &pods.Items[i]; !played[pod.UID] && pod.DeletionTimestamp == nil {
					played[pod.UID] = true
					p.report(pod.Name, p.pod(ctx, pod))
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p Player) report(name string, err error) {
	if p.Say == nil {
		return
	}
	if err != nil {
		p.Say(fmt.Sprintf("played the tbot of pod %s, which failed: %v", name, err))
		return
	}
	p.Say(fmt.Sprintf("played the tbot of pod %s, which wrote its output", name))
}

// pod runs one round of the pod's tbot.
func (p Player) pod(ctx context.Context, pod *corev1.Pod) error {
	config, err := p.config(ctx, pod)
	if err != nil {
		return err
	}
	account := "system:serviceaccount:" + pod.Namespace + ":" + pod.Spec.ServiceAccountName
	cluster, err := kube.Connect(kube.Options{
		Kubeconfig: p.Plane.KubeconfigFile(), As: account,
		AsGroups: []string{"system:serviceaccounts", "system:serviceaccounts:" + pod.Namespace, "system:authenticated"},
	})
	if err != nil {
		return err
	}
	admin, err := kube.Connect(kube.Options{Kubeconfig: p.Plane.KubeconfigFile()})
	if err != nil {
		return err
	}
	// The kubelet asks for the projected token with rights of its own, not with those of the pod.
	token, err := admin.PodToken(ctx, pod, projected(pod).Audience, time.Duration(*projected(pod).ExpirationSeconds)*time.Second)
	if err != nil {
		return err
	}
	pool, err := teleport.CertPool(config.proxyCA)
	if err != nil {
		return err
	}
	server, err := teleport.Find(ctx, teleport.Target{Proxy: config.ProxyServer, CAs: pool})
	if err != nil {
		return err
	}
	_, err = tbot.Run{
		Config: config.Config, IDToken: token,
		Cluster: tbot.Cluster{
			Proxy: config.ProxyServer, Name: server.ClusterName, Version: server.Version, Suite: server.Suite, TLSRouting: server.TLSRouting, CAs: pool,
		},
		Destinations: tbot.Destinations{Secrets: cluster.Secrets(false), Namespace: pod.Namespace},
	}.Once(ctx)
	return err
}

type mounted struct {
	tbotconfig.Config
	proxyCA string
}

// config reads what the pod mounts.
func (p Player) config(ctx context.Context, pod *corev1.Pod) (mounted, error) {
	for _, volume := range pod.Spec.Volumes {
		if volume.ConfigMap == nil {
			continue
		}
		found, err := p.Plane.Client().CoreV1().ConfigMaps(pod.Namespace).Get(ctx, volume.ConfigMap.Name, metav1.GetOptions{})
		if err != nil {
			return mounted{}, err
		}
		config, err := tbotconfig.Decode([]byte(found.Data["tbot.yaml"]))
		return mounted{Config: config, proxyCA: cmp.Or(found.Data["proxy-ca.pem"], p.ProxyCA)}, err
	}
	return mounted{}, errors.New("the pod mounts no ConfigMap")
}

func projected(pod *corev1.Pod) *corev1.ServiceAccountTokenProjection {
	for _, volume := range pod.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.ServiceAccountToken != nil && source.ServiceAccountToken.Audience != "" {
				return source.ServiceAccountToken
			}
		}
	}
	ten := int64(600)
	return &corev1.ServiceAccountTokenProjection{ExpirationSeconds: &ten}
}
