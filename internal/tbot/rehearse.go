package tbot

import (
	"context"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Rehearsal is whether an output could be written to one place.
type Rehearsal struct {
	// Place is in words, for example "Secret machines/tbot-out".
	Place string
	// Err is why it could not, Untested why nobody knows; it could where both are empty.
	Err      error
	Untested string
}

// Rehearse tries what tbot does at its start to see whether it may write: for a kubernetes_secret a get and an apply of the empty file
// .write-test (teleport-facts 6.6), for Argo CD's Secrets a get and a create or update, with nothing secret in it. Every write of the
// store has to be a dry run. Memory needs no place, and a directory is the pod's.
func (d Destinations) Rehearse(ctx context.Context, output OutputResult) []Rehearsal {
	switch output.Destination.Type {
	case tbotconfig.DestinationDirectory:
		return []Rehearsal{{Place: "directory " + output.Destination.Path, Untested: "a directory in the pod: not tested from here"}}
	case tbotconfig.DestinationSecret:
		return []Rehearsal{d.rehearseSecret(ctx, output.Destination)}
	}
	var all []Rehearsal
	for _, secret := range output.Secrets {
		all = append(all, d.rehearsePut(ctx, secret))
	}
	return all
}

// noStore is why nothing was asked where there is nobody to ask.
const noStore = "no Kubernetes cluster was asked"

func (d Destinations) rehearseSecret(ctx context.Context, to tbotconfig.Destination) Rehearsal {
	namespace, err := d.namespaceOf(to)
	if err != nil {
		return Rehearsal{Place: "Secret " + to.Name, Err: err}
	}
	tried := Rehearsal{Place: "Secret " + namespace + "/" + to.Name}
	if d.Secrets == nil {
		tried.Untested = noStore
		return tried
	}
	tried.Err = d.writeSecret(ctx, to, map[string][]byte{fileWriteTest: {}})
	return tried
}

func (d Destinations) rehearsePut(ctx context.Context, secret Secret) Rehearsal {
	tried := Rehearsal{Place: secret.String()}
	if d.Secrets == nil {
		tried.Untested = noStore
		return tried
	}
	object := secret.Object()
	object.Data["config"] = []byte("{}") // where the credentials are
	tried.Err = d.Secrets.PutSecret(ctx, object)
	return tried
}
