package wizard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/tbotctl/tbotctl/internal/prompt"
)

// errNoContext ends a run that has no Kubernetes cluster to speak of.
var errNoContext = errors.New("there is no kubeconfig with a context; make one (kubectl config get-contexts lists them), or name a file with --kubeconfig")

// askContext offers the contexts at once and fills in, as each answers, who it is.
func (w *Wizard) askContext(ctx context.Context) error {
	contexts, err := w.Kubernetes.Contexts()
	if err != nil {
		return err
	}
	if len(contexts) == 0 {
		return errNoContext
	}
	w.Speaker.Say("tbotctl deploys Teleport's agent tbot on a Kubernetes cluster and proves that it joins. Nothing is changed before you have seen the plan and said yes.")
	probing, stop := context.WithCancel(ctx)
	defer stop()
	field := w.field(FlagContext, prompt.One)
	if field.Value == "" {
		field.Value = contexts[0].Name
	}
	field.Choices = w.contextChoices(contexts)
	field.Updates = w.probe(probing, contexts, func() []prompt.Choice { return w.contextChoices(contexts) })
	field.Validate = nil
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		reach, err := w.await(ctx, field.Value)
		switch {
		case err != nil:
			return err
		case reach.Problem == "":
			return w.set(FlagContext, field.Value)
		}
		w.Speaker.Warn(strings.Join(nonEmpty(field.Value+": "+reach.Problem, reach.Fix), "; "))
		field.Choices, field.Updates = w.contextChoices(contexts), nil
	}
}

// await waits for the answer of a context that was chosen before it came, rather than to go on without knowing.
func (w *Wizard) await(ctx context.Context, name string) (Reach, error) {
	if reach, known := w.reached.of(name); known {
		return reach, nil
	}
	var reach Reach
	err := w.work(ctx, "Waiting for the answer of "+name+", for up to 20 s", func(ctx context.Context) error {
		reach = w.Kubernetes.Reach(ctx, name)
		w.reached.keep(name, reach)
		return ctx.Err()
	})
	return reach, err
}

// atOnce is how many contexts are asked at the same time: credential plugins start processes.
const atOnce = 8

// probe asks every context that has not answered well yet, side by side, so that a dead one delays no other. choices are what is offered
// by what is known then.
func (w *Wizard) probe(ctx context.Context, contexts []Context, choices func() []prompt.Choice) <-chan []prompt.Choice {
	answered, free := make(chan struct{}), make(chan struct{}, atOnce)
	waiting := 0
	for _, c := range contexts {
		if w.reached.well(c.Name) {
			continue
		}
		waiting++
		go func() {
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			w.reached.keep(c.Name, w.Kubernetes.Reach(ctx, c.Name))
			<-free
			select {
			case answered <- struct{}{}:
			case <-ctx.Done():
			}
		}()
	}
	updates := make(chan []prompt.Choice)
	go func() {
		defer close(updates)
		for ; waiting > 0; waiting-- {
			select {
			case <-answered:
			case <-ctx.Done():
				return
			}
			select {
			case updates <- choices():
			case <-ctx.Done():
				return
			}
		}
	}()
	return updates
}

func (w *Wizard) contextChoices(contexts []Context) []prompt.Choice {
	offered := make([]prompt.Choice, len(contexts))
	for i, c := range contexts {
		offered[i] = prompt.Choice{Value: c.Name, Label: c.Name}
		switch reach, known := w.reached.of(c.Name); {
		case !known:
			offered[i].Note = "asking " + c.Server
		case reach.Problem != "":
			offered[i].Refused = strings.Join(nonEmpty(reach.Problem, reach.Fix), "; ")
		default:
			offered[i].Note = reach.note()
		}
	}
	return offered
}

// note says in half a line who answered.
func (r Reach) note() string {
	parts := nonEmpty(r.Provider, r.Version)
	if r.User != "" {
		parts = append(parts, "as "+r.User)
	}
	return strings.Join(parts, ", ")
}

// reaches keeps what the contexts answered; probes write while the page reads.
type reaches struct {
	lock  sync.Mutex
	known map[string]Reach
}

func (r *reaches) of(name string) (Reach, bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	reach, known := r.known[name]
	return reach, known
}

func (r *reaches) well(name string) bool {
	reach, known := r.of(name)
	return known && reach.Problem == ""
}

func (r *reaches) keep(name string, reach Reach) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.known[name] = reach
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(text string) bool { return text == "" })
}
