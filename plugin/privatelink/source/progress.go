package source

import "context"

type progressKey struct{}

// WithProgress returns a context in which a fetch reports the reason of a long wait.
// report must not block, and may be called by any goroutine.
func WithProgress(ctx context.Context, report func(text string)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// Progress passes the reason of a wait to the function of WithProgress, if the context
// has one.
func Progress(ctx context.Context, text string) {
	if report, ok := ctx.Value(progressKey{}).(func(string)); ok {
		report(text)
	}
}
