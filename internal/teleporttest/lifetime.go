package teleporttest

import (
	"context"
	"sync"
	"time"
)

// lifetime is the context of a server: it lasts from Start to Close, and not as long as some caller's context.
type lifetime struct {
	done chan struct{}
	once sync.Once
}

func newLifetime() *lifetime { return &lifetime{done: make(chan struct{})} }

func (l *lifetime) end() { l.once.Do(func() { close(l.done) }) }

// Deadline says that there is none.
func (l *lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed by Close.
func (l *lifetime) Done() <-chan struct{} { return l.done }

// Err is context.Canceled after Close.
func (l *lifetime) Err() error {
	select {
	case <-l.done:
		return context.Canceled
	default:
		return nil
	}
}

// Value holds nothing.
func (l *lifetime) Value(any) any { return nil }
