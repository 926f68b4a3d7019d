package cmd

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/bundle"
	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// judgeBundle refuses early what could not be written at the end; nothing is written over.
func (o *doctorOptions) judgeBundle() error {
	if o.bundle == "" {
		return nil
	}
	if _, err := os.Lstat(o.bundle); err == nil {
		return usagef("--bundle: %s is there already, and nothing is written over; name a new file", o.bundle)
	}
	if err := files.Replaceable(o.bundle); err != nil {
		return usagef("--bundle: %w", err)
	}
	return nil
}

// keepBundle writes all that was seen.
func (r *doctorRun) keepBundle(ctx context.Context) error {
	if r.bundle == "" {
		return nil
	}
	seen, err := r.saw(ctx)
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	var archive bytes.Buffer
	if err := bundle.Write(&archive, seen, r.factory.Now()); err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	file := files.File{Path: filepath.Base(r.bundle), Data: archive.Bytes()}
	if _, err := files.Write(filepath.Dir(r.bundle), []files.File{file}, files.Options{Private: true}); err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	r.progress.Say("what was seen, without secrets, is in " + r.bundle + "; look into it before you send it")
	return nil
}

// saw are the files of a bundle: the result, and of each tbot what the checks looked at. What none of them looked at is not looked at
// now: the bundle takes no rights of its own.
func (r *doctorRun) saw(ctx context.Context) (map[string][]byte, error) {
	ended, end := context.WithCancel(ctx)
	end()
	var result, table bytes.Buffer
	if err := errors.Join(r.result.JSON(&result), r.result.Table(&table, ui.NewStyle(&table, false, false), bundleWidth)); err != nil {
		return nil, err
	}
	all := bundled{files: map[string][]byte{"result.json": result.Bytes(), "result.txt": table.Bytes()}}
	for _, live := range r.seen {
		all.folder = live.Workload.Deployment.Namespace + "/" + live.Workload.Deployment.Name
		all.unseen = nil
		if r.clusters.kube != nil {
			all.kubernetes(ended, live)
		}
		all.teleport(ended, live)
		slices.Sort(all.unseen)
		all.text("not-seen.txt", strings.Join(all.unseen, ""))
	}
	return all.files, all.err
}

// bundleWidth is wide enough that few lines break.
const bundleWidth = 120

// bundled gathers files.
type bundled struct {
	folder string
	files  map[string][]byte
	unseen []string
	err    error
}

// kubernetes are the Deployment and what is around it.
func (b *bundled) kubernetes(ctx context.Context, live *checks.Live) {
	w := live.Workload
	b.object("deployment.json", w.Deployment)
	b.text("tbot.yaml", w.Text)
	keep(ctx, b, "pods.json", live.Pods)
	keep(ctx, b, "events.json", live.Events)
	keep(ctx, b, "readyz.json", live.Health)
	keep(ctx, b, "serviceaccount.json", live.ServiceAccount)
	keep(ctx, b, "roles.json", live.Grants)
	keep(ctx, b, "namespace.json", live.Namespace)
	keep(ctx, b, "networkpolicies.json", live.Policies)
	keep(ctx, b, "admission.json", live.Admission)
	keep(ctx, b, "clocks.json", live.Clocks)
	if live.Logs != nil {
		logs, err := live.Logs(ctx)
		b.missed("logs", err)
		for _, log := range logs {
			name := log.Pod
			if log.Previous {
				name += "-previous"
			}
			b.text("logs/"+name+".txt", strings.Join(log.Lines, "\n")+"\n")
		}
	}
	for _, secret := range w.OutputSecrets() {
		keep(ctx, b, "outputs/"+secret.Namespace+"-"+secret.Name+".json", func(ctx context.Context) (*bundledOutput, error) {
			seen, err := live.Output(ctx, secret.Namespace, secret.Name)
			return outputOf(seen), err
		})
	}
}

// teleport is Teleport's side.
func (b *bundled) teleport(ctx context.Context, live *checks.Live) {
	keep(ctx, b, "teleport/token.json", live.Token)
	keep(ctx, b, "teleport/token-names.json", live.TokenNames)
	keep(ctx, b, "teleport/bot.json", live.Bot)
	keep(ctx, b, "teleport/roles.json", live.BotRoles)
	keep(ctx, b, "teleport/lock.json", live.Lock)
	keep(ctx, b, "teleport/joins.json", live.Joins)
	keep(ctx, b, "teleport/instance.json", live.Instance)
	keep(ctx, b, "teleport/entry.json", live.Entry)
}

// keep puts a fact into a file; one that this run cannot have is left out.
func keep[T any](ctx context.Context, b *bundled, name string, fact func(context.Context) (T, error)) {
	if fact == nil {
		return
	}
	seen, err := fact(ctx)
	if err != nil {
		b.missed(name, err)
		return
	}
	b.object(name, seen)
}

// missed keeps why something is not in the bundle; what no check asked for is no loss.
func (b *bundled) missed(name string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		b.unseen = append(b.unseen, name+": "+err.Error()+"\n")
	}
}

func (b *bundled) object(name string, object any) {
	var text []byte
	var err error
	if message, ok := object.(proto.Message); ok {
		text, err = protojson.MarshalOptions{Multiline: true}.Marshal(message)
	} else {
		text, err = bundle.JSON(object)
	}
	if err != nil {
		b.err = errors.Join(b.err, fmt.Errorf("%s: %w", name, err))
		return
	}
	b.files[path.Join(b.folder, name)] = text
}

func (b *bundled) text(name, text string) {
	if text != "" {
		b.files[path.Join(b.folder, name)] = []byte(text)
	}
}

// bundledOutput is an output's Secret, with its certificate in a few words.
type bundledOutput struct {
	Keys                []string
	Problem             string `json:",omitempty"`
	Certificate         *bundledCertificate
	Written             time.Time
	Labels, Annotations map[string]string
}

type bundledCertificate struct {
	User, Serial        string
	Roles, Issuer       []string
	NotBefore, NotAfter time.Time
}

func outputOf(seen *checks.Output) *bundledOutput {
	if seen == nil {
		return nil
	}
	return &bundledOutput{seen.Keys, seen.Problem, inWords(seen.Certificate), seen.Written, seen.Labels, seen.Annotations}
}

func inWords(c *x509.Certificate) *bundledCertificate {
	if c == nil {
		return nil
	}
	return &bundledCertificate{c.Subject.CommonName, c.SerialNumber.String(), c.Subject.Organization, c.Issuer.Organization, c.NotBefore, c.NotAfter}
}
