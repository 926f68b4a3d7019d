package cmd

// begin starts a look beside those that follow; the returned function waits for it, once.
func begin[T any](look func() (T, error)) func() (T, error) {
	type answer struct {
		found T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		found, err := look()
		done <- answer{found, err}
	}()
	return func() (T, error) {
		a := <-done
		return a.found, a.err
	}
}
