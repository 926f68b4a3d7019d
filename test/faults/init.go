package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// probeAge is past the age at which a left-over probe pod is swept.
const probeAge = 11 * time.Minute

// tryInit runs init once with the fault and once without, and holds what is there afterwards to a whole setup.
func tryInit(ctx context.Context, s *stand) (outcome, error) {
	s.arm()
	args := s.args("init", "--roles", "access", "--no-wait", "--prove", "always")
	first, err := s.disturbed(ctx, args)
	if err != nil {
		return outcome{}, err
	}
	if err := first.judge(s.fault); err != nil {
		return outcome{}, err
	}
	seen := s.outcome()
	if s.fault.kind != kill {
		if err := s.noProbes(ctx); err != nil {
			return outcome{}, err
		}
	}
	if err := inProcess(ctx, args, time.Now).want("the run after it"); err != nil {
		return outcome{}, err
	}
	if s.fault.kind == kill {
		s.later.Store(true)
		if err := inProcess(ctx, args, s.now).want("the sweeping run"); err != nil {
			return outcome{}, err
		}
	}
	return seen, s.whole(ctx)
}

// whole holds the namespace and the Teleport cluster to one setup, neither less nor more.
func (s *stand) whole(ctx context.Context) error {
	client := s.ground.plane.Client()
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=tbotctl"}
	deployments, err := client.AppsV1().Deployments(s.namespace).List(ctx, ours)
	if err != nil {
		return err
	}
	configs, err := client.CoreV1().ConfigMaps(s.namespace).List(ctx, ours)
	if err != nil {
		return err
	}
	roles, err := client.RbacV1().Roles(s.namespace).List(ctx, ours)
	if err != nil {
		return err
	}
	if len(deployments.Items) != 1 || len(configs.Items) != 1 || len(roles.Items) != 1 {
		return fmt.Errorf("%d Deployments, %d ConfigMaps and %d Roles are there", len(deployments.Items), len(configs.Items), len(roles.Items))
	}
	bots := map[string]bool{}
	for _, request := range s.cluster.Events() {
		bots[request.GetType()] = true
	}
	if !bots["bot.join"] {
		return errors.New("no join was ever accepted")
	}
	return s.noProbes(ctx)
}

func (s *stand) noProbes(ctx context.Context) error {
	pods, err := s.ground.plane.Client().CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: "tbotctl.dev/probe"})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil {
			return fmt.Errorf("probe pod %s is left behind", pods.Items[i].Name)
		}
	}
	return nil
}
