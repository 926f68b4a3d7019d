package cmd_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// scene is a bench on which a fault is made.
type scene struct {
	*bench
	made initDocument
	row  *fault
	// args are more flags of the doctor, of a scene that has them.
	args []string
	// issuer is how this machine sees the internet, auth how the Auth Service does; nil is an honest way to the plane's issuer.
	issuer *issuer.Fetcher
	auth   atomic.Pointer[http.Transport]
	said   func() string
}

const playedAndFailed = "which failed: "

// worked reads the player's word; before Teleport 17 it proves the join and writes nothing.
func worked(line string) bool {
	return !strings.Contains(line, playedAndFailed) || strings.Contains(line, "the join itself can be proven, outputs cannot")
}

// asAuth is the Auth Service's way to issuers, which a fault may change while it runs.
func (s *scene) asAuth(t *testing.T) *http.Client {
	t.Helper()
	honest := testkit.Shared(t, testkit.CloudLike).IssuerServer().Transport()
	t.Cleanup(honest.CloseIdleConnections)
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if other := s.auth.Load(); other != nil {
			return other.RoundTrip(r)
		}
		return honest.RoundTrip(r)
	})}
}

// restart starts the pod anew and gives what its player said of it. A failure is also what the pod's log says then.
func (s *scene) restart(t *testing.T) string {
	t.Helper()
	pod, said := s.rollout(t), ""
	testkit.Eventually(t, "pod "+pod+" to be played", func(context.Context) error {
		for line := range strings.Lines(s.said()) {
			if strings.HasPrefix(line, "played the tbot of pod "+pod+", ") {
				said = strings.TrimSpace(line)
				return nil
			}
		}
		return errors.New("it was not played yet")
	})
	if _, reason, _ := strings.Cut(said, playedAndFailed); !worked(said) {
		s.node(t).Say(s.namespace, pod, "tbot", false, "ERROR: "+strings.TrimPrefix(reason, "Teleport refused the join: "))
	}
	return said
}

// rollout starts the pod anew and gives its name once it runs.
func (s *scene) rollout(t *testing.T) string {
	t.Helper()
	const mark = "kubectl.kubernetes.io/restartedAt"
	value, name := rand.Text(), ""
	patch := `{"spec":{"template":{"metadata":{"annotations":{"` + mark + `":"` + value + `"}}}}}`
	deployments, pods := s.plane.Client().AppsV1().Deployments(s.namespace), s.plane.Client().CoreV1().Pods(s.namespace)
	if _, err := deployments.Patch(t.Context(), "tbot", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the pod that was started anew", func(ctx context.Context) error {
		all, err := pods.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range all.Items {
			if pod := &all.Items[i]; pod.Annotations[mark] == value && pod.Status.Phase == corev1.PodRunning {
				name = pod.Name
				return nil
			}
		}
		return errors.New("it does not run yet")
	})
	return name
}

// mend does what the finding proposes.
func (s *scene) mend(t *testing.T, fix string) {
	t.Helper()
	switch {
	case fix == "":
		t.Fatal("there is no fix")
	case s.row.fix == byInit:
		if !strings.Contains(fix, "run the same tbotctl init again") {
			t.Fatalf("the fix is %s, and no second init", fix)
		}
		args := slices.Clone(s.row.init)
		if s.row.refused {
			// Its player does not try again by itself, so there would be no output to wait for.
			args = append(args, "--no-wait")
		}
		s.run(t, s.initArgs(args...)...).want(t, 0)
	case s.row.mends != nil:
		s.row.mends(t, s, fix)
	case s.row.fix == byShell:
		s.shell(t, fix)
	default:
		t.Fatalf("%s, and the row does not say how: %s", s.row.fix, fix)
	}
}

// matrixTctl stands in for tctl: it notes what it was given, and the test does that in the test cluster. There is no real one here.
const matrixTctl = `#!/bin/sh
set -C
n=0
until : 2>/dev/null > "$TCTL_RECORD/$n.args"; do n=$((n+1)); done
set +C
if [ "$1" = create ]; then cat > "$TCTL_RECORD/$n.file"; fi
printf '%s\n' "$@" > "$TCTL_RECORD/$n.args"
`

// shell runs a command line as a person would who pastes it, as an administrator of both clusters.
func (s *scene) shell(t *testing.T, line string) {
	t.Helper()
	bin, record := t.TempDir(), t.TempDir()
	assets, err := testkit.AssetsDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(assets, "kubectl"), filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "tctl"), []byte(matrixTctl), 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-e", "-c", line)
	command.Env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + bin, "KUBECONFIG=" + s.plane.KubeconfigFile(), "TCTL_RECORD=" + record,
	}
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		t.Fatalf("the fix does not run: %v\n%s\n%s", err, line, said.String())
	}
	for n := 0; ; n++ {
		args, err := os.ReadFile(filepath.Join(record, fmt.Sprint(n)+".args"))
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		if err == nil {
			err = s.tctl(strings.Split(strings.TrimSuffix(string(args), "\n"), "\n"), filepath.Join(record, fmt.Sprint(n)+".file"))
		}
		if err != nil {
			t.Fatalf("the fix asks tctl for what it does not do: %v\n%s", err, line)
		}
	}
}

// tctl does in the test cluster what one call of tctl would.
func (s *scene) tctl(args []string, file string) error {
	switch {
	case args[0] == "create":
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return s.make(text)
	case len(args) == 2 && args[0] == "rm" && strings.HasPrefix(args[1], "lock/"):
		s.teleport.Unlock(strings.TrimPrefix(args[1], "lock/"))
		return nil
	case len(args) >= 4 && slices.Equal(args[:2], []string{"bots", "update"}):
		return s.updateBot(args[2], args[3:])
	case args[0] == "get":
		return nil
	}
	return fmt.Errorf("tctl %s", strings.Join(args, " "))
}

// updateBot is `tctl bots update NAME --set-roles ROLES` or --add-roles.
func (s *scene) updateBot(name string, flags []string) error {
	bot, there := s.teleport.Bot(name)
	if !there {
		return fmt.Errorf("there is no bot %q", name)
	}
	verb, roles, joined := strings.Cut(flags[0], "=")
	if !joined && len(flags) > 1 {
		roles = flags[1]
	}
	switch verb {
	case "--set-roles":
		bot.Spec.Roles = strings.Split(roles, ",")
	case "--add-roles":
		bot.Spec.Roles = append(bot.Spec.Roles, strings.Split(roles, ",")...)
	default:
		return fmt.Errorf("tctl bots update has no %s", verb)
	}
	s.teleport.PutBot(bot)
	return nil
}
