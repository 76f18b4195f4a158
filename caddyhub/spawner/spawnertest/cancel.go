package spawnertest

import (
	"context"
	"errors"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// checkCancelled calls a start off at each moment that a Save makes visible.
func checkCancelled(b *bench) {
	for _, n := range b.saves() {
		request := b.request("ada", "", Obedient)
		ctx, cancel := context.WithCancel(b.Context())
		events := &record{onSave: func(count int) error {
			if count == n {
				cancel()
			}
			return nil
		}}
		_, err := b.hub.Start(ctx, request, events)
		cancel()
		if !errors.Is(err, context.Canceled) || spawner.ReasonOf(err) != spawner.ReasonCancelled {
			b.Errorf("Start called off at Save %d: %v", n, err)
		}
		ref := request.Ref(events.states[len(events.states)-1])
		b.wantRunning(ref, false)
		b.wantNothing(ref)
	}
}

// checkLate starts when the time for the start is over.
func checkLate(b *bench) {
	ctx, cancel := context.WithDeadline(b.Context(), time.Now().Add(-time.Second))
	defer cancel()
	request := b.request("ada", "", Obedient)
	if _, err := b.hub.Start(ctx, request, &record{}); spawner.ReasonOf(err) != spawner.ReasonTimeout {
		b.Errorf("Start after its time: %v, want a timeout", err)
	}
	b.wantNothing(request.Ref(nil))
}
