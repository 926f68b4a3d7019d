package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// thumbprintsOf are those of a JSON Web Key Set, in the order of its kids.
func thumbprintsOf(jwks string) ([]string, error) {
	keys, _, err := issuer.ParseJWKS(jwks)
	if err != nil {
		return nil, err
	}
	return issuer.Thumbprints(keys), nil
}

// asksFor is what this run asks of the Teleport side. Where the join token gets no copy of the keys, they are named all the same, as far
// as they are known: people compare them.
func (s *session) asksFor(ctx context.Context) (spec.Request, error) {
	if jwks := s.setup.Resolved.JWKS; jwks != "" {
		prints, err := thumbprintsOf(jwks)
		return spec.RequestOf(s.setup, prints), err
	}
	cluster, err := s.clusters.issuer(ctx)
	if err != nil && ctx.Err() != nil {
		return spec.Request{}, ctx.Err()
	}
	keys := cluster.Keys
	if public, unseen := s.clusters.public(ctx); len(keys) == 0 && unseen == nil {
		keys = public.Keys
	}
	return spec.RequestOf(s.setup, issuer.Thumbprints(keys)), nil
}

// sameKeys holds the Kubernetes side to the request that it goes by: a cluster of the same name may sign with other keys by now.
func (s *session) sameKeys(ctx context.Context) error {
	if s.requested == nil || !s.setup.Side.HasKubernetes() {
		return nil
	}
	now, err := s.asksFor(ctx)
	if err != nil {
		return err
	}
	was := s.requested.Join
	if was.Type == now.Join.Type && was.Issuer == now.Join.Issuer && was.JWKS == now.Join.JWKS && shareKeys(was.Thumbprints, now.Join.Thumbprints) {
		return nil
	}
	return &findingError{text: fmt.Sprintf("the request was made for a cluster with issuer %s and keys %v, and this one has issuer %s and keys %v; nothing was done; have it written anew (--request FILE)",
		spec.Quote(was.Issuer), was.Thumbprints, spec.Quote(now.Join.Issuer), now.Join.Thumbprints)}
}

// shareKeys tells whether two looks at one cluster's keys can be of the same cluster: a rotation changes some of them and not all at once.
// What was not seen speaks against nothing.
func shareKeys(was, now []string) bool {
	return len(was) == 0 || len(now) == 0 || slices.ContainsFunc(was, func(print string) bool { return slices.Contains(now, print) })
}

// judgeRequest holds the flags of the hand-off to what they go with.
func (o *initOptions) judgeRequest() error {
	switch {
	case o.requestFile != "" && o.setup.Side != spec.SideKubernetes:
		return usagef("--request goes with --side kubernetes: only there is something asked of the other side")
	case o.waitTeleport != 0 && o.setup.Side != spec.SideKubernetes:
		return usagef("--wait-teleport goes with --side kubernetes: only there is the other side waited for")
	case o.waitTeleport < 0:
		return usagef("--wait-teleport: %s is no time; write for example 10m", o.waitTeleport)
	case o.setup.Side == spec.SideTeleport && o.prove == proveAlways:
		return usagef("--prove always: only a service account token of the Kubernetes cluster proves the join, and --side teleport asks it for none")
	case o.setup.Side == spec.SideTeleport && o.agentValues != "":
		return usagef("--agent-values: the values are the Kubernetes side's to give to Helm")
	}
	var wrong *files.NoFolder
	if o.requestFile != "" && errors.As(files.Replaceable(o.requestFile), &wrong) {
		return usagef("--request: %w", wrong)
	}
	return nil
}

// putRequest writes the request where the run is for the Kubernetes side alone and --request names a file, or needed is true. Without a
// name it goes beside what init leaves for others.
func (r *initRun) putRequest(ctx context.Context, needed bool) error {
	if r.setup.Side != spec.SideKubernetes || r.requestFile == "" && !needed {
		return nil
	}
	request, err := r.asksFor(ctx)
	if err != nil || request.Digest == r.result.Request.Fingerprint {
		return err
	}
	var text strings.Builder
	if err := spec.SaveRequest(&text, request); err != nil {
		return err
	}
	dir, name := filepath.Split(r.requestFile)
	if name == "" {
		name = fmt.Sprintf("tbotctl-%s-%s/request.yaml", r.setup.Name, r.setup.Resolved.ClusterID)
	}
	if dir == "" {
		dir = "."
	}
	path := filepath.Join(dir, name)
	if err := oursToReplace(path, request); err != nil {
		return err
	}
	if _, err := files.Write(dir, []files.File{{Path: name, Data: []byte(text.String())}}, files.Options{Private: true, Overwrite: true}); err != nil {
		return fmt.Errorf("the request could not be written: %w; name another file with --request", err)
	}
	r.result.Request.Path, r.result.Request.Fingerprint = path, request.Digest
	r.progress.Say(fmt.Sprintf("The request is in %s. Its fingerprint is %s; the run for the Teleport side shows the same, so read it to whoever does that.", path, request.Digest))
	return nil
}

// oursToReplace refuses to write over anything but an earlier request of the same installation.
func oursToReplace(path string, request spec.Request) error {
	there, err := os.Open(path) //nolint:gosec // the path is the user's own argument
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		was, unread := spec.LoadRequest(there, thumbprintsOf)
		if err = errors.Join(unread, there.Close()); err == nil && was.Setup().InstallID() == request.Setup().InstallID() {
			return nil
		}
	}
	return &findingError{text: fmt.Sprintf("--request: %s is there already, and is no request of this installation; it was not overwritten; name another file, or move it away", path)}
}

// grantLine is what the Teleport side runs, wherever the file is put there.
func (r *initRun) grantLine() string {
	return "tbotctl init --side teleport --from " + spec.ShellWord(filepath.Base(r.result.Request.Path))
}

// sayRequest shows whoever does the Teleport side what is asked for, so that they can judge it, and compare it with the other side.
func (s *session) sayRequest() {
	held := s.setup.Resolved
	n := s.setup.Names()
	s.progress.Head("What the Kubernetes side asks for")
	s.progress.Say(fmt.Sprintf("Join token %s admits service account %s/%s of Kubernetes cluster %s, and no other.", n.Token, n.Namespace, n.ServiceAccount, held.ClusterID))
	switch held.JoinType {
	case spec.JoinOIDC:
		s.progress.Say(fmt.Sprintf("Its type is oidc: Teleport takes every token for that service account that is signed by a key of issuer %s.", held.Issuer))
	case spec.JoinStaticJWKS:
		s.progress.Say("Its type is static_jwks: Teleport takes every token for that service account that is signed by one of these keys.")
	case spec.JoinInCluster:
		s.progress.Say("Its type is in_cluster: Teleport takes what the API server of its own Kubernetes cluster takes.")
	case spec.JoinAuto:
	}
	prints, _ := thumbprintsOf(held.JWKS)
	if s.requested != nil {
		prints = s.requested.Join.Thumbprints
	}
	if len(prints) > 0 {
		s.progress.Say("The keys, by their thumbprints (RFC 7638, SHA-256):")
		for _, print := range prints {
			s.progress.Command(print)
		}
		s.progress.Say("Whoever runs the Kubernetes cluster compares them with what it publishes:")
		s.progress.Command("kubectl get --raw /openid/v1/jwks | tbotctl thumbprints")
	}
	if s.requested != nil {
		s.progress.Say(fmt.Sprintf("The fingerprint of the request is %s. Whoever wrote it was shown the same; compare by another way than the one that the file came.", s.requested.Digest))
	}
	s.progress.Say("What is granted has no end of its own: it holds until it is removed (tbotctl delete --side teleport --from FILE).")
}

// issuerAgrees looks at the issuer as Teleport would, where the request says that Teleport reads the keys there: keys of another cluster
// are a request that was made up. An issuer that cannot be read from here says nothing.
func (s *session) issuerAgrees(ctx context.Context) error {
	if s.setup.Side.HasKubernetes() || s.requested == nil || s.setup.Resolved.JoinType != spec.JoinOIDC {
		return nil
	}
	public, err := s.clusters.public(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil || !public.Reachable:
		s.progress.Say("The issuer could not be read from here, so only the other side can tell that these are its keys.")
		return nil
	}
	asked, now := s.requested.Join.Thumbprints, issuer.Thumbprints(public.Keys)
	switch {
	case len(asked) == 0:
		s.progress.Say(fmt.Sprintf("The issuer, read from here, publishes the keys %v; the request names none to compare them with.", now))
	case !shareKeys(asked, now):
		return &findingError{text: fmt.Sprintf("the request names the keys %v, and issuer %s publishes %v; nothing was done; have the request written anew", asked, spec.Quote(s.requested.Join.Issuer), now)}
	default:
		s.progress.Say("The issuer, read from here, publishes keys of these thumbprints.")
	}
	return nil
}
