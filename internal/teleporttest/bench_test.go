package teleporttest_test

import (
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// BenchmarkStart is what a test pays for a cluster of its own: 16.x makes RSA keys.
func BenchmarkStart(b *testing.B) {
	for _, version := range []string{"18.2.0", recorded} {
		b.Run(version, func(b *testing.B) {
			for b.Loop() {
				c, err := teleporttest.Start(teleporttest.Options{Version: version})
				if err != nil {
					b.Fatal(err)
				}
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
