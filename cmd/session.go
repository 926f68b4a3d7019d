package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/wizard"
)

// session is what every command that speaks to clusters has: the answers, the ways to both clusters and who is told. A command
// embeds it, binds its flags and calls open.
type session struct {
	factory  *Factory
	progress *report.Progress
	setup    spec.Setup
	clusters *clusters

	notes []string
	// given tells whether a flag has its answer already; files are the paths of answers that are read from files.
	given func(flag string) bool
	files map[string]string
	// requested is the request that the answers came from; nil where they did not.
	requested *spec.Request

	kubeconfig     string
	as             string
	asGroups       []string
	requestTimeout time.Duration
	identity       string
	insecure       bool
	nonInteractive bool
	yes            bool
	timeout        time.Duration
	// screen tells that the terminal is drawn on, so that nobody else may read from it.
	screen bool
	// rolesOf is the bot whose roles a person was shown and chose from.
	rolesOf string
	// imageReason says in half a line why it is this image.
	imageReason string
	// touch tells that the cluster wants admin actions confirmed by a touch; reader finds out.
	touch bool
	// looks tells that nothing is to be written, so that a login that may only read is enough to compare by.
	looks bool
	// wantsMakers asks for who else may become the bot; sayMakersFound says it with the plan.
	wantsMakers    bool
	sayMakersFound func()
	// beside begins what is looked at while the join type is chosen; nil begins nothing.
	beside func(context.Context)
	// clockSaid tells that a wrong clock was said.
	clockSaid bool
}

func newSession(f *Factory) session {
	return session{factory: f, progress: report.NewProgress(f.Streams)}
}

// bindSession registers the flags; what is said of --yes differs by command.
func (s *session) bindSession(c *cobra.Command, yes string) {
	flags := c.Flags()
	flags.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig `FILE`; default: KUBECONFIG, ~/.kube/config, or inside a pod its service account")
	flags.StringVar(&s.as, "as", "", "`USER` to impersonate in Kubernetes")
	flags.StringSliceVar(&s.asGroups, "as-group", nil, "`GROUP` to impersonate in Kubernetes; repeatable")
	flags.DurationVar(&s.requestTimeout, "request-timeout", 0, "bound of a single Kubernetes request (default 30s)")
	flags.StringVar(&s.identity, "identity", "", "Teleport identity `FILE` for the admin calls; default: TELEPORT_IDENTITY_FILE, else the tsh profile")
	flags.BoolVar(&s.insecure, "insecure", false, "accept the proxy's certificate unverified, in tbotctl alone: it never reaches the pod")
	flags.BoolVar(&s.nonInteractive, "non-interactive", false, "never ask; what is missing ends the run with one list (implied without a terminal)")
	flags.DurationVar(&s.timeout, "timeout", 5*time.Minute, "bound of the whole run")
	if yes != "" {
		flags.BoolVarP(&s.yes, "yes", "y", false, yes)
	}
}

// read gathers the answers, and gives the flags that are none their environment variables.
func (s *session) read(c *cobra.Command, a *answers) error {
	if err := bindEnv(s.factory, c, a); err != nil {
		return err
	}
	var err error
	s.setup, s.notes, err = a.setup(s.factory)
	s.given, s.files, s.requested = a.given(s.factory, s.setup), a.files(s.factory), a.request
	return err
}

// terminal tells that a person can be asked.
func (s *session) terminal() bool { return s.factory.Streams.CanPrompt() && !s.nonInteractive }

// open judges all that was typed and opens both clusters' doors; nothing has been sent yet. Which questions need an answer is
// the command's to say by keep; nil keeps all.
func (s *session) open(ctx context.Context, keep func(wizard.Question) bool, needYes bool) error {
	for _, note := range s.notes {
		s.progress.Warn(note)
	}
	if err := s.judgeTimes(); err != nil {
		return err
	}
	terminal := s.terminal()
	if terminal {
		s.fromSurroundings()
	}
	if err := s.setup.Validate(); err != nil {
		return err
	}
	if err := s.judgeSide(); err != nil {
		return err
	}
	target, err := s.target()
	if err != nil {
		return err
	}
	var missing []wizard.Question
	for _, question := range wizard.Missing(s.setup, wizard.Situation{Terminal: terminal, InPod: s.inPod()}) {
		if (keep == nil || keep(question)) && s.asks(question) {
			missing = append(missing, question)
		}
	}
	if err := missingAnswers(missing, !needYes || terminal || s.yes); err != nil {
		return err
	}
	if keep == nil {
		if err := s.setup.ValidateBinding(); err != nil {
			return err
		}
	}
	return errors.Join(s.connect(target), ctx.Err())
}

func (s *session) judgeTimes() error {
	if s.timeout <= 0 {
		return usagef("--timeout: %s is no time; write for example 5m", s.timeout)
	}
	if s.requestTimeout < 0 {
		return usagef("--request-timeout: %s is no time; write for example 30s", s.requestTimeout)
	}
	return nil
}

// connect opens the doors to both clusters.
func (s *session) connect(target teleport.Target) error {
	cluster, err := s.openKubernetes()
	if err != nil {
		return err
	}
	s.clusters = newClusters(s.setup, cluster, target, s.login(), s.factory.Issuer, s.factory.Now)
	return nil
}

// kubeOptions lead to the cluster of a context; an empty one is kubectl's to choose.
func (s *session) kubeOptions(name string) kube.Options {
	return kube.Options{
		Kubeconfig: s.kubeconfig, Context: name, As: s.as, AsGroups: s.asGroups,
		RequestTimeout: s.requestTimeout, UserAgent: "tbotctl/" + s.factory.Build.Version, Explicit: !s.terminal(), NoInput: s.screen,
	}
}

func (s *session) inPod() bool {
	return s.factory.inPod() && s.kubeconfig == "" && s.factory.env("KUBECONFIG") == ""
}

func (s *session) login() teleport.Login {
	login := teleport.Login{IdentityFile: s.identity, ProfileDir: s.factory.env("TELEPORT_HOME")}
	if login.IdentityFile == "" {
		login.IdentityFile = s.factory.env("TELEPORT_IDENTITY_FILE")
	}
	return login
}

// fromSurroundings takes, for a person at a terminal, what tsh and kubectl would take; without one nothing is taken from what
// happens to be current.
func (s *session) fromSurroundings() {
	if s.setup.Teleport.Proxy == "" {
		s.setup.Teleport.Proxy = teleport.CurrentProxy(s.factory.env("TELEPORT_HOME"))
	}
	if s.setup.Kubernetes.Namespace == "" && s.setup.Side.HasKubernetes() {
		s.setup.Kubernetes.Namespace = kube.CurrentNamespace(kube.Options{Kubeconfig: s.kubeconfig, Context: s.setup.Kubernetes.Context})
	}
}

func (s *session) target() (teleport.Target, error) {
	target := teleport.Target{Proxy: s.setup.Teleport.Proxy, CAs: s.factory.ProxyCAs, Insecure: s.insecure}
	if s.setup.Teleport.ProxyCA != "" {
		pool, err := teleport.CertPool(s.setup.Teleport.ProxyCA)
		if err != nil {
			return target, err
		}
		target.CAs = pool
	}
	if s.insecure {
		s.progress.Warn("--insecure: the proxy's certificate is not verified; whoever answers at its address gets the service account token")
	}
	return target, nil
}
