package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/wizard"
)

// answers gathers a Setup from an answers file, the environment and the flags.
type answers struct {
	fields []spec.Field
	raw    map[string]*string
	from   string
	flags  *pflag.FlagSet
	// request is what --from held, where that was a request and no answers.
	request *spec.Request
}

// bindAnswers registers the flags of every answer that a command takes.
func bindAnswers(c *cobra.Command, except ...string) *answers {
	a := &answers{raw: map[string]*string{}, flags: c.Flags()}
	defaults := spec.Default()
	for _, field := range spec.Fields() {
		if slices.Contains(except, field.Flag) {
			continue
		}
		a.fields = append(a.fields, field)
		value := &answer{placeholder: field.Placeholder, value: field.Get(defaults), separator: field.Repeat}
		a.raw[field.Flag] = &value.value
		shorthand := ""
		if field.Flag == "namespace" {
			shorthand = "n"
		}
		flag := c.Flags().VarPF(value, field.Flag, shorthand, field.Help)
		if field.Switch() {
			flag.NoOptDefVal = "true"
		}
	}
	c.Flags().StringVar(&a.from, "from", "", "read answers, or the request of the Kubernetes side, from `FILE`; - is stdin")
	return a
}

// answer is a flag whose text is judged later, together with all the others. With a separator it may stand several times.
type answer struct {
	placeholder, value, separator string
	again                         bool
}

func (a *answer) String() string { return a.value }

func (a *answer) Set(v string) error {
	if a.separator != "" && a.again {
		v = a.value + a.separator + v
	}
	a.value, a.again = v, true
	return nil
}

func (a *answer) Type() string {
	if a.placeholder == "" {
		return "bool"
	}
	return a.placeholder
}

// setup reads the answers in the order of precedence: default, file, Teleport's own variable, TBOTCTL_ variable, flag. The
// notes say where the environment overrode a file.
func (a *answers) setup(f *Factory) (s spec.Setup, notes []string, err error) {
	s = spec.Default()
	if a.from != "" {
		var altered *spec.Altered
		if s, err = a.load(f); errors.As(err, &altered) {
			return s, nil, &findingError{text: fmt.Sprintf("--from %s: %v; nothing was done", a.from, err)}
		} else if err != nil {
			return s, nil, usage(fmt.Errorf("--from %s: %w", a.from, err))
		}
	}
	var problems []spec.FieldError
	for _, field := range workloadFirst(a.fields) {
		text, source := a.lookup(f, field.Flag)
		if source == "" {
			continue
		}
		before := field.Get(s)
		if err := field.Set(&s, text); err != nil {
			problems = append(problems, spec.FieldError{Flag: field.Flag, Problem: err.Error()})
			continue
		}
		if a.from != "" && source != fromFlag && before != "" && before != field.Get(s) && before != field.Get(spec.Default()) {
			notes = append(notes, fmt.Sprintf("%s overrides --%s of %s", source, field.Flag, a.from))
		}
	}
	if len(problems) > 0 {
		return s, notes, &spec.Invalid{Fields: problems}
	}
	return s, notes, tbotconfig.JudgeFragment(s)
}

// workloadFirst has the other answers follow the one that decides what some of them are where nobody gives them.
func workloadFirst(fields []spec.Field) []spec.Field {
	rank := func(f spec.Field) int {
		if f.Flag == wizard.FlagWorkload {
			return 0
		}
		return 1
	}
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b spec.Field) int { return rank(a) - rank(b) })
	return fields
}

// given tells which flags have their answers, by flag, environment or file; a file of answers gives all that it has.
func (a *answers) given(f *Factory, s spec.Setup) func(string) bool {
	return func(name string) bool {
		for _, field := range a.fields {
			if field.Flag == name && a.from != "" && field.Get(s) != "" {
				return true
			}
		}
		if a.raw[name] == nil {
			return a.flags.Changed(name)
		}
		_, source := a.lookup(f, name)
		return source != ""
	}
}

// files are the paths of the answers that are read from files.
func (a *answers) files(f *Factory) map[string]string {
	paths := map[string]string{}
	for _, field := range a.fields {
		if path, source := a.lookup(f, field.Flag); source != "" && field.Placeholder == "FILE" {
			paths[field.Flag] = path
		}
	}
	return paths
}

const fromFlag = "flag"

// lookup finds the text of a flag and where it came from; source is empty where neither flag nor environment gives it.
func (a *answers) lookup(f *Factory, name string) (text, source string) {
	if a.flags.Changed(name) {
		return *a.raw[name], fromFlag
	}
	variables := []string{spec.Env(name)}
	if name == "proxy" {
		variables = append(variables, "TELEPORT_PROXY")
	}
	for _, variable := range variables {
		if value, given := f.LookupEnv(variable); given && value != "" {
			return value, variable
		}
	}
	return "", ""
}

func (a *answers) load(f *Factory) (spec.Setup, error) {
	if a.from == "-" {
		return a.read(f.Streams.In)
	}
	file, err := os.Open(a.from)
	if err != nil {
		return spec.Setup{}, err
	}
	s, err := a.read(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return s, err
}

// read takes either kind of document.
func (a *answers) read(from io.Reader) (spec.Setup, error) {
	data, err := spec.Read(from)
	switch {
	case err != nil:
		return spec.Setup{}, err
	case !spec.IsRequest(data):
		return spec.Load(bytes.NewReader(data))
	}
	request, err := spec.LoadRequest(bytes.NewReader(data), thumbprintsOf)
	if err != nil {
		return spec.Setup{}, err
	}
	a.request = &request
	return request.Setup(), nil
}

// neverFromEnv are the flags that a person has to type each time (cli.md).
func neverFromEnv() []string {
	return []string{"yes", "insecure", "overwrite", "take-over", "force-conflicts", "purge-outputs", "help", "from"}
}

// bindEnv gives every other flag of a command its environment variable.
func bindEnv(f *Factory, c *cobra.Command, a *answers) error {
	var first error
	c.Flags().VisitAll(func(flag *pflag.Flag) {
		if a.raw[flag.Name] != nil || flag.Changed || first != nil || slices.Contains(neverFromEnv(), flag.Name) {
			return
		}
		value, given := f.LookupEnv(spec.Env(flag.Name))
		if !given || value == "" {
			return
		}
		if err := c.Flags().Set(flag.Name, value); err != nil {
			first = usagef("%s: %s", spec.Env(flag.Name), strings.TrimPrefix(err.Error(), "invalid argument "))
		}
	})
	return first
}
