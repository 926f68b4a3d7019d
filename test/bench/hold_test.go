package main

import (
	"testing"
	"time"
)

func TestLongestChain(t *testing.T) {
	at := func(from, until int) span {
		start := time.Unix(0, 0)
		return span{start.Add(time.Duration(from) * time.Second), start.Add(time.Duration(until) * time.Second)}
	}
	for name, test := range map[string]struct {
		spans []span
		want  int
	}{
		"none":                        {nil, 0},
		"two at once":                 {[]span{at(0, 2), at(1, 3)}, 1},
		"one after the other":         {[]span{at(2, 4), at(0, 2)}, 2},
		"a long one beside a row":     {[]span{at(0, 9), at(0, 2), at(2, 4), at(5, 7)}, 3},
		"two rows that part and meet": {[]span{at(0, 2), at(2, 4), at(2, 5), at(5, 7)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := longestChain(test.spans); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
