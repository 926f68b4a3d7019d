package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// byHand compares init with the guide's seven commands: RBAC, bot, keys, cluster name, token, ConfigMap and Deployment.
func byHand(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary, kubectl, tctl string, rounds int) (bound, error) {
	var ours, hands, proofs []int64
	for i := range rounds + 1 {
		a, b, c, err := oneRound(ctx, plane, launch, binary, kubectl, tctl)
		if err != nil {
			return bound{}, err
		}
		if i > 0 {
			ours, hands, proofs = append(ours, a), append(hands, b), append(proofs, c)
		}
	}
	fmt.Printf("init --no-wait --prove never: %v; the seven commands by hand: %v; the proof takes %v more (medians of %d)\n",
		milliseconds(median(ours)), milliseconds(median(hands)), milliseconds(median(proofs)-median(ours)), rounds)
	return bound{"init --no-wait --prove never / the guide's seven commands", float64(median(ours)) / float64(median(hands)), 0.8}, nil
}

func oneRound(ctx context.Context, plane *testkit.ControlPlane, launch launcher, binary, kubectl, tctl string) (ours, hands, proof int64, err error) {
	for _, way := range []struct {
		into *int64
		run  func(context.Context, *round) (int64, error)
	}{
		{&ours, func(ctx context.Context, r *round) (int64, error) {
			return launch.timed(ctx, binary, r.init("--prove", "never")...)
		}},
		{&hands, func(ctx context.Context, r *round) (int64, error) { return r.guide(ctx, launch, kubectl, tctl) }},
		{&proof, func(ctx context.Context, r *round) (int64, error) { return launch.timed(ctx, binary, r.init()...) }},
	} {
		r, err := newRound(ctx, plane, teleporttest.Options{})
		if err != nil {
			return 0, 0, 0, err
		}
		*way.into, err = way.run(ctx, r)
		if err = errors.Join(err, r.close()); err != nil {
			return 0, 0, 0, err
		}
	}
	return ours, hands, proof, nil
}

// guide does by hand what init does: the files lie ready, as if a person had filled them in without a mistake.
func (r *round) guide(ctx context.Context, launch launcher, kubectl, tctl string) (int64, error) {
	files, err := r.files(ctx)
	if err != nil {
		return 0, err
	}
	kube := []string{"--kubeconfig", r.plane.KubeconfigFile()}
	admin := []string{"--proxy", r.teleport.Addr(), "--cluster", r.teleport.ClusterName(), "--identity", r.identity()}
	var total int64
	for _, step := range [][]string{
		append([]string{kubectl, "apply", "-f", files["rbac"]}, kube...),
		append([]string{tctl, "create", files["bot"]}, admin...),
		append([]string{kubectl, "get", "--raw", "/openid/v1/jwks"}, kube...),
		{tctl, "find", "--proxy", r.teleport.Addr(), "--proxy-ca", r.webCA()},
		append([]string{tctl, "create", files["token"]}, admin...),
		append([]string{kubectl, "apply", "-f", files["config"]}, kube...),
		append([]string{kubectl, "apply", "-f", files["deployment"]}, kube...),
	} {
		took, err := launch.timed(ctx, step[0], step[1:]...)
		if err != nil {
			return 0, err
		}
		total += took
	}
	return total, nil
}

// files renders the guide's files with the program itself, in-process and outside of what is measured.
func (r *round) files(ctx context.Context) (map[string]string, error) {
	jwks, said, err := r.plane.Kubectl(ctx, nil, "get", "--raw", "/openid/v1/jwks")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	keys := filepath.Join(r.dir, "jwks.json")
	if err := os.WriteFile(keys, []byte(jwks), 0o600); err != nil {
		return nil, err
	}
	var stdout, stderr strings.Builder
	factory := cmd.NewFactory(&ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr, Width: 80}, func(string) (string, bool) { return "", false })
	code := cmd.Main(ctx, factory, []string{
		"render", "--namespace", r.namespace, "--proxy", r.teleport.Addr(), "--roles", "access", "--cluster-name", r.teleport.ClusterName(), "--bot-name", "by-hand",
		"--token-name", "by-hand", "--tbot-version", "18.2.0", "--join-type", "static_jwks", "--jwks-file", keys,
	})
	if code != 0 {
		return nil, errors.New(stderr.String())
	}
	groups := map[string][]string{}
	for document := range strings.SplitSeq(stdout.String(), "---\n") {
		groups[groupOf(document)] = append(groups[groupOf(document)], document)
	}
	files := map[string]string{}
	for group, documents := range groups {
		files[group] = filepath.Join(r.dir, group+".yaml")
		if err := os.WriteFile(files[group], []byte(strings.Join(documents, "---\n")), 0o600); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func groupOf(document string) string {
	for kind, group := range map[string]string{"kind: bot\n": "bot", "kind: token\n": "token", "kind: ConfigMap\n": "config", "kind: Deployment\n": "deployment"} {
		if strings.Contains("\n"+document, "\n"+kind) {
			return group
		}
	}
	return "rbac"
}
