package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// cost is one finished process.
type cost struct {
	wall   int64 // nanoseconds
	memory int64 // bytes at its peak
}

// launcher runs commands from a process that is small itself; see test/bench/launch.
type launcher string

// measure runs a command to its end and takes the operating system's own account of it.
func (l launcher) measure(ctx context.Context, name string, args ...string) (cost, error) {
	command := exec.CommandContext(ctx, string(l), append([]string{name}, args...)...)
	command.Stdout = io.Discard
	var said tail
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return cost{}, fmt.Errorf("%s %v: %w: %s", name, args, err, said)
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	var c cost
	if _, err := fmt.Sscan(lines[len(lines)-1], &c.wall, &c.memory); err != nil {
		return cost{}, fmt.Errorf("what the launcher said: %w", err)
	}
	return c, nil
}

// timed is measure for whoever asks for the time alone.
func (l launcher) timed(ctx context.Context, name string, args ...string) (int64, error) {
	c, err := l.measure(ctx, name, args...)
	return c.wall, err
}

// tail keeps the end of what a command says.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if over := len(*t) - 2000; over > 0 {
		*t = (*t)[over:]
	}
	return len(p), nil
}

func milliseconds(nanoseconds int64) time.Duration {
	return time.Duration(nanoseconds).Round(time.Millisecond)
}

func median(values []int64) int64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

// start compares how long and how much it takes to say a version, in turn, so that a drift of the machine hits both.
func start(ctx context.Context, launch launcher, binary, kubectl string, rounds int) ([]bound, error) {
	var ours, theirs []int64
	var ourMemory, theirMemory []int64
	for i := range rounds + 1 {
		a, err := launch.measure(ctx, binary, "version")
		if err != nil {
			return nil, err
		}
		b, err := launch.measure(ctx, kubectl, "version", "--client")
		if err != nil {
			return nil, err
		}
		if i == 0 {
			continue // the first round warms the file cache
		}
		ours, theirs = append(ours, a.wall), append(theirs, b.wall)
		ourMemory, theirMemory = append(ourMemory, a.memory), append(theirMemory, b.memory)
	}
	fmt.Printf("tbotctl version: %v, %d MiB; kubectl version --client: %v, %d MiB (medians of %d)\n",
		milliseconds(median(ours)), median(ourMemory)>>20, milliseconds(median(theirs)), median(theirMemory)>>20, rounds)
	return []bound{
		{"tbotctl version / kubectl version --client, time", float64(median(ours)) / float64(median(theirs)), 1.0},
		{"tbotctl version / kubectl version --client, memory", float64(median(ourMemory)) / float64(median(theirMemory)), 1.2},
	}, nil
}
