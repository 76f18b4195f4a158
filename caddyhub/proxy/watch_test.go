package proxy

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// watching is a call that is watched, and says whether its exchange was ended.
func watching(ctx context.Context, w *watch) (c *call, ended *bool) {
	ended = new(bool)
	c = &call{conn: &conn{abort: func() { *ended = true }}}
	w.add(ctx, c)
	return c, ended
}

// TestWatch: a call whose client goes is ended, sooner or later; others are not.
func TestWatch(t *testing.T) {
	for name, test := range map[string]struct {
		// gone is when the client goes, removed when the call is over; zero: never.
		gone, removed time.Duration
		ended         bool
	}{
		"nothing happens":        {0, 0, false},
		"over at once":           {0, 1, false},
		"over and gone":          {2, 1, false},
		"over late, then gone":   {time.Hour + 1, time.Hour, false},
		"gone at once":           {1, 0, true},
		"gone before it is told": {watchPause, 0, true},
		"gone after an hour":     {time.Hour, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := new(watch)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, beside := watching(context.Background(), w)
				c, ended := watching(ctx, w)
				last, lastEnded := watching(context.Background(), w)
				if test.gone > 0 {
					time.AfterFunc(test.gone, cancel)
				}
				if test.removed > 0 {
					time.AfterFunc(test.removed, func() {
						if !w.remove(c) {
							t.Error("it was not left alone")
						}
					})
				}
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if *ended != test.ended || *beside || *lastEnded {
					t.Errorf("ended %v, want %v; others %v %v", *ended, test.ended, *beside, *lastEnded)
				}
				if alone := w.remove(last); !alone || w.young != nil || w.looking {
					t.Errorf("the last one was left alone: %v; still %v, looking %v", alone, w.young, w.looking)
				}
			})
		})
	}
}

// TestWatchEnded: whoever removes a call learns that its exchange was ended.
func TestWatchEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(watch)
		ctx, cancel := context.WithCancel(t.Context())
		c, ended := watching(ctx, w)
		time.Sleep(3 * watchPause)
		cancel()
		synctest.Wait()
		if w.remove(c) || !*ended {
			t.Errorf("ended %v, and nobody is told", *ended)
		}
	})
}
