package tbot_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// secrets is a store of Secrets in memory that refuses a stale version, as a Kubernetes API server does, and those of Argo CD that it is
// told to refuse, by the Teleport-enrolled cluster.
type secrets struct {
	version, written string
	labels           map[string]string
	data             map[string][]byte
	readErr          error

	put    []*corev1.Secret
	refuse map[string]error
}

var errConflict = errors.New("the object has been modified")

func (s *secrets) ReadSecret(context.Context, string, string) (string, error) {
	return s.version, s.readErr
}

func (s *secrets) WriteSecret(_ context.Context, namespace, name, version string, labels map[string]string, data map[string][]byte) error {
	if version == "stale" {
		return errConflict
	}
	s.written, s.labels, s.data = namespace+"/"+name+"@"+version, labels, data
	return nil
}

func (s *secrets) PutSecret(_ context.Context, secret *corev1.Secret) error {
	if err := s.refuse[secret.Annotations["teleport.dev/kubernetes-cluster-name"]]; err != nil {
		return err
	}
	s.put = append(s.put, secret)
	return nil
}

func TestSecretDestination(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	unreadable := errors.New("forbidden")
	elsewhere := tbotconfig.Secret("out")
	elsewhere.Namespace, elsewhere.Labels = "other", map[string]string{"team": "a"}
	for name, row := range map[string]struct {
		to        tbotconfig.Destination
		namespace string
		store     *secrets
		written   string
		labels    map[string]string
		fails     error
		text      string
	}{
		"new, in the pod's namespace": {to: tbotconfig.Secret("out"), namespace: "ci", store: &secrets{}, written: "ci/out@"},
		"on the version that was read": {
			to: tbotconfig.Secret("out"), namespace: "ci", store: &secrets{version: "42"}, written: "ci/out@42",
		},
		"in a namespace of its own, labelled": {
			to: elsewhere, namespace: "ci", store: &secrets{}, written: "other/out@", labels: map[string]string{"team": "a"},
		},
		"written by somebody else meanwhile": {to: tbotconfig.Secret("out"), namespace: "ci", store: &secrets{version: "stale"}, fails: errConflict},
		"not readable":                       {to: tbotconfig.Secret("out"), namespace: "ci", store: &secrets{readErr: unreadable}, fails: unreadable},
		"no namespace":                       {to: tbotconfig.Secret("out"), store: &secrets{}, text: "unable to detect namespace from POD_NAMESPACE environment variable"},
		"no cluster":                         {to: tbotconfig.Secret("out"), namespace: "ci", text: "no Kubernetes cluster"},
		"a type that is not known":           {to: tbotconfig.Destination{Type: "ftp"}, text: `"ftp"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := l.run(t, row.to)
			run.Destinations.Namespace = row.namespace
			if row.store != nil {
				run.Destinations.Secrets = row.store
			}
			result, err := run.Once(t.Context())
			if row.written == "" {
				if err == nil || !strings.HasPrefix(err.Error(), "output identity-1: ") || !strings.Contains(err.Error(), row.text) || row.fails != nil && !errors.Is(err, row.fails) {
					t.Errorf("error %v, want one about %q or %v", err, row.text, row.fails)
				}
				if result.Identity == nil || len(result.Outputs) != 1 || result.Outputs[0].Err == nil || result.Outputs[0].Artifacts != nil || row.store != nil && row.store.data != nil {
					t.Errorf("result beside the error: %v", result)
				}
				saysNothingSecret(t, "error", err.Error(), run.IDToken)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.store.written != row.written || !maps.Equal(row.store.labels, row.labels) {
				t.Errorf("written %s with labels %v, want %s with %v", row.store.written, row.store.labels, row.written, row.labels)
			}
			if got := slices.Sorted(maps.Keys(row.store.data)); !slices.Equal(got, artifactNames()) {
				t.Errorf("keys %v", got)
			}
		})
	}
}

// An output that fails keeps no other from its turn, and the error names each that did.
func TestEveryOutputHasItsTurn(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	dir := filepath.Join(t.TempDir(), "last")
	run := l.run(t, tbotconfig.Secret("first"), tbotconfig.Memory(), tbotconfig.Directory(dir))
	run.Config.Outputs[1].Shared().Roles = []string{"editor"}
	run.Config.Outputs[2].Shared().Name = "files"
	result, err := run.Once(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "output identity-1: unable to detect namespace") ||
		!strings.Contains(err.Error(), "\noutput identity-2: Teleport refused ") || strings.Contains(err.Error(), "files") {
		t.Errorf("error %v, want those of the first two outputs", err)
	}
	var names []string
	for i, output := range result.Outputs {
		names = append(names, output.Name)
		if failed := i < 2; failed != (output.Err != nil) || failed == (output.Artifacts != nil) || failed && !errors.Is(err, output.Err) {
			t.Errorf("output %d: %v", i, output)
		}
	}
	if want := []string{"identity-1", "identity-2", "files"}; !slices.Equal(names, want) {
		t.Errorf("outputs %v, want %v", names, want)
	}
	if got := len(readDirectory(t, dir)); got != len(directoryNames()) {
		t.Errorf("%d files in the directory", got)
	}
	if result.Outputs[0].Identity == nil || result.Outputs[1].Identity != nil {
		t.Error("what was generated and not written still has its certificate, what was refused has none")
	}
}

// For a proof, everything is made and nothing is written, and the result still says where it would go.
func TestNowhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	dir, store := filepath.Join(t.TempDir(), "out"), &secrets{}
	run := l.run(t, tbotconfig.Directory(dir), tbotconfig.Secret("out"))
	run.Destinations = tbot.Destinations{Secrets: store, Namespace: "ci", Nowhere: true}
	result, err := run.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || store.data != nil {
		t.Errorf("written: directory %v, Secret %s", err, store.written)
	}
	if got := result.Outputs[0]; got.Destination.Path != dir || !slices.Equal(got.Artifacts.Names(), directoryNames()) {
		t.Errorf("output %v to %q", got.Artifacts, got.Destination.Path)
	}
	if got := result.Outputs[1]; got.Destination.Name != "out" || !slices.Equal(got.Artifacts.Names(), artifactNames()) {
		t.Errorf("output %v to %q", got.Artifacts, got.Destination.Name)
	}
}

// once writes an identity output to a directory.
func once(t *testing.T, l lab, dir string) (tbot.Result, error) {
	t.Helper()
	return l.run(t, tbotconfig.Directory(dir)).Once(t.Context())
}

// modes are those of everything below a directory, and of itself as ".".
func modes(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		found[name] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantModes() map[string]fs.FileMode {
	want := map[string]fs.FileMode{".": fs.ModeDir | 0o700}
	for _, name := range directoryNames() {
		want[name] = 0o600
	}
	return want
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	if _, err := once(t, l, dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantModes(), modes(t, dir)); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
	first := readDirectory(t, dir)

	// Who reads a file while it is replaced reads the old one to its end.
	reader, err := os.Open(filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close() //nolint:errcheck // only read
	if _, err := once(t, l, dir); err != nil {
		t.Fatal(err)
	}
	if old, err := io.ReadAll(reader); err != nil || !bytes.Equal(old, first["identity"]) {
		t.Errorf("the open file changed under its reader: %v", err)
	}
	second := readDirectory(t, dir)
	for _, name := range []string{"identity", "key", "key.pub", "key-cert.pub", "tlscert"} {
		if bytes.Equal(first[name], second[name]) {
			t.Errorf("%s was not renewed", name)
		}
	}
	if diff := cmp.Diff(wantModes(), modes(t, dir)); diff != "" {
		t.Errorf("modes after the second run (-want +got):\n%s", diff)
	}
}

// What is in the way is replaced and never written through, so that nobody gets a key who put a link or a readable file there.
func TestDirectoryWithThingsInTheWay(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	writeFile(t, outside, 0o644)
	writeFile(t, filepath.Join(dir, "inside"), 0o644)
	for link, to := range map[string]string{
		"identity": outside, "tlscert": "inside", "key.new": outside, "key.pub.new": "inside", "known_hosts": "../nowhere", "known_hosts.new": dir,
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"key", "identity.new", "tlscert.new"} {
		writeFile(t, filepath.Join(dir, name), 0o644)
	}
	if _, err := once(t, l, dir); err != nil {
		t.Fatal(err)
	}
	want := wantModes()
	want["."], want["inside"] = modes(t, dir)["."], 0o644 // a directory that was there keeps its mode
	if diff := cmp.Diff(want, modes(t, dir)); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
	for _, path := range []string{outside, filepath.Join(dir, "inside")} {
		if content, err := os.ReadFile(path); err != nil || string(content) != "before" {
			t.Errorf("%s was written through a link: %.20q, %v", path, content, err)
		}
	}
}

// `symlinks: secure` goes through no link on the way to the directory; without it the directory may be a link.
func TestDirectoryBehindALink(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	real, err := filepath.EvalSymlinks(t.TempDir()) // a temporary directory may lie behind a link itself
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(real, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		path, rule string
		fails      bool
	}{
		"nothing said":              {path: link},
		"insecure":                  {path: link, rule: "insecure"},
		"secure":                    {path: link, rule: "secure", fails: true},
		"secure, below the link":    {path: filepath.Join(link, "not", "there"), rule: "secure", fails: true},
		"secure, beside the link":   {path: filepath.Join(real, "beside", "it"), rule: "secure"},
		"try-secure, not yet there": {path: filepath.Join(link, "new"), rule: "try-secure"},
	} {
		to := tbotconfig.Directory(row.path)
		to.Symlinks = row.rule
		_, err := l.run(t, to).Once(t.Context())
		if failed := err != nil; failed != row.fails || failed && !strings.Contains(err.Error(), "goes through the link "+link) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(link, "not")); err == nil {
		t.Errorf("written behind the link: %v", entries)
	}
}

func writeFile(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte("before"), mode); err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, 0o600)
	occupied := t.TempDir()
	if err := os.MkdirAll(filepath.Join(occupied, "key", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	for dir, part := range map[string]string{
		file:                         "making the destination",
		filepath.Join(file, "below"): "making the destination",
		occupied:                     "writing " + filepath.Join(occupied, "key"),
	} {
		result, err := once(t, l, dir)
		if err == nil || !strings.Contains(err.Error(), part) || result.Outputs[0].Err == nil {
			t.Errorf("%s: %v, want an error about %q", dir, err, part)
		}
	}
	for name := range modes(t, occupied) {
		if strings.HasSuffix(name, ".new") {
			t.Errorf("%s is left behind", name)
		}
	}
}
