package tbotconfig

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// reader fills our types from YAML and goes on after whatever is wrong. yaml.v3 does neither of the two things that a reader of errors
// wants: it gives no path, and it stops at a key that it does not know.
type reader struct {
	lines    map[string]int
	unread   map[string]bool
	problems []Problem
	// open are the nodes that are being read, for aliases that lead into themselves; nodes counts all, for those that multiply.
	open  map[*yaml.Node]bool
	nodes int
}

// maxNodes is more than a ConfigMap of 1 MiB holds without aliases.
const maxNodes = 1 << 20

func (r *reader) bad(line int, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{Line: line, Path: path, Text: fmt.Sprintf(format, args...)})
}

// wrong is for a value that cannot be read at all.
func (r *reader) wrong(node *yaml.Node, path, wanted string) {
	r.unread[path] = true
	r.bad(node.Line, path, "%s is not %s", describe(node), wanted)
}

// read fills value from node. A null leaves it as it is.
func (r *reader) read(node *yaml.Node, value reflect.Value, path string) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if r.tooFar(node, path) {
		r.unread[path] = true
		return
	}
	r.open[node] = true
	defer delete(r.open, node)
	if node.ShortTag() == "!!null" {
		return
	}
	_, special := value.Addr().Interface().(yaml.Unmarshaler)
	switch kind := value.Kind(); {
	case value.Type() == reflect.TypeFor[Output]():
		r.output(node, value, path)
	case special:
		r.scalar(node, value, path)
	case kind == reflect.Struct:
		r.mapping(node, value, path)
	case kind == reflect.Slice:
		r.list(node, value, path)
	case kind == reflect.Map:
		r.table(node, value, path)
	default:
		r.scalar(node, value, path)
	}
}

// tooFar is true of an alias that leads into itself, and of the whole rest of a file whose aliases multiply.
func (r *reader) tooFar(node *yaml.Node, path string) bool {
	already := r.nodes > maxNodes
	r.nodes += 1 + len(node.Content)
	if r.nodes <= maxNodes && !r.open[node] {
		return false
	}
	if !already {
		r.bad(node.Line, path, "its aliases lead too far")
	}
	return true
}

func (r *reader) scalar(node *yaml.Node, value reflect.Value, path string) {
	wanted := wantedOf(value.Type())
	if err := node.Decode(value.Addr().Interface()); err != nil || node.Kind != yaml.ScalarNode {
		r.wrong(node, path, wanted)
		return
	}
	if wanted == aText && !writable(node.Value) {
		// The value may be a secret, and is not shown.
		r.bad(node.Line, path, "it holds what cannot be written back: a character that is not to be seen, or several lines of which the first begins with a blank")
	}
}

// writable is false for what yaml.v3 3.0.1 does not write back as it was (spec.Texts), and for control characters, for which no value
// has a use.
func writable(value string) bool {
	if strings.Contains(value, "\n") && strings.TrimLeftFunc(value, unicode.IsSpace) != value {
		return false
	}
	return !strings.ContainsFunc(value, func(c rune) bool { return !unicode.IsPrint(c) && c != '\n' && c != '\t' })
}

func (r *reader) list(node *yaml.Node, value reflect.Value, path string) {
	if node.Kind != yaml.SequenceNode {
		r.wrong(node, path, "a list")
		return
	}
	if len(node.Content) == 0 {
		return // the same as none
	}
	items := reflect.MakeSlice(value.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		at := element(path, i)
		r.lines[at] = item.Line
		if item.ShortTag() == "!!null" {
			r.unread[at] = true
			r.bad(item.Line, at, "it is empty")
			continue
		}
		r.read(item, items.Index(i), at)
	}
	value.Set(items)
}

// table reads a map from text to something.
func (r *reader) table(node *yaml.Node, value reflect.Value, path string) {
	pairs, ok := r.pairs(node, path)
	if !ok {
		r.wrong(node, path, "a mapping of keys")
		return
	}
	if len(pairs) == 0 {
		return
	}
	entries := reflect.MakeMap(value.Type())
	for _, p := range pairs {
		at := below(path, shown(p.name))
		r.lines[at] = p.key.Line
		entry := reflect.New(value.Type().Elem()).Elem()
		r.read(p.value, entry, at)
		entries.SetMapIndex(reflect.ValueOf(p.name), entry)
	}
	value.Set(entries)
}

func (r *reader) mapping(node *yaml.Node, value reflect.Value, path string) {
	pairs, ok := r.pairs(node, path)
	if !ok {
		r.wrong(node, path, "a mapping of keys")
		return
	}
	r.fill(pairs, value, path)
}

func (r *reader) fill(pairs []pair, value reflect.Value, path string) {
	fields := fieldsOf(value)
	_, foreign := value.Addr().Interface().(*Foreign)
	for _, p := range pairs {
		field, known := fields[p.name]
		switch at := below(path, p.name); {
		case known:
			r.lines[at] = p.key.Line
			r.read(p.value, field, at)
		case !foreign:
			r.bad(p.key.Line, path, "key %s is not known here", shown(p.name))
		}
	}
}

// output reads an entry of outputs or services by its type.
func (r *reader) output(node *yaml.Node, value reflect.Value, path string) {
	pairs, ok := r.pairs(node, path)
	switch {
	case !ok:
		r.wrong(node, path, "a mapping of keys")
		return
	case len(pairs) == 0:
		r.unread[path] = true
		r.bad(node.Line, path, "it is empty")
		return
	}
	var common struct {
		Type string `yaml:"type"`
	}
	for _, p := range pairs {
		if p.name == "type" {
			_ = p.value.Decode(&common.Type) // what is wrong with it is said below
		}
	}
	var output Output = &Foreign{}
	if k, known := kinds()[common.Type]; known {
		output = k.empty()
	}
	r.fill(pairs, reflect.ValueOf(output).Elem(), path)
	value.Set(reflect.ValueOf(output))
}

// pair is one entry of a mapping.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs are the entries of a mapping, with what it merges in (`<<`) behind its own. False is for what is no mapping.
func (r *reader) pairs(node *yaml.Node, path string) ([]pair, bool) {
	if node.Kind != yaml.MappingNode {
		return nil, false
	}
	var own, merged []pair
	first := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		switch earlier, twice := first[key.Value]; {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			merged = append(merged, r.merge(value, path)...)
		case key.Kind != yaml.ScalarNode:
			r.bad(key.Line, path, "%s is not a key", describe(key))
		case twice:
			r.bad(key.Line, path, "key %s is given twice, first at line %d", shown(key.Value), earlier)
		default:
			first[key.Value] = key.Line
			own = append(own, pair{key.Value, key, value})
		}
	}
	for _, p := range merged {
		if _, given := first[p.name]; !given {
			first[p.name] = p.key.Line
			own = append(own, p)
		}
	}
	return own, true
}

// merge is what `<<` brings in: a mapping, or a list of them, of which the first counts.
func (r *reader) merge(node *yaml.Node, path string) []pair {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if r.tooFar(node, path) {
		return nil
	}
	r.open[node] = true
	defer delete(r.open, node)
	if pairs, ok := r.pairs(node, path); ok {
		return pairs
	}
	if node.Kind != yaml.SequenceNode {
		r.bad(node.Line, path, "%s is nothing to merge", describe(node))
		return nil
	}
	var all []pair
	for _, item := range node.Content {
		all = append(all, r.merge(item, path)...)
	}
	return all
}

// fieldsOf maps the keys of a struct to its fields.
func fieldsOf(value reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range value.NumField() {
		switch name, options, _ := strings.Cut(value.Type().Field(i).Tag.Get("yaml"), ","); {
		case options == "inline":
			for key, field := range fieldsOf(value.Field(i)) {
				fields[key] = field
			}
		case name != "-" && name != "":
			fields[name] = value.Field(i)
		}
	}
	return fields
}

// aText is what most values are.
const aText = "a text"

func wantedOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration such as 20m"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "a whole number"
	}
	return aText
}

// describe says what stands there.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping of keys"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	case yaml.DocumentNode, yaml.ScalarNode:
	}
	return spec.Quote(node.Value)
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,100}$`)

// shown is a key of the file as it may be printed.
func shown(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return spec.Quote(key)
}
