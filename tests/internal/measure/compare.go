package measure

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// Contender is one of the programs that are compared.
type Contender struct {
	// Name in the table.
	Name string
	// Processes are those whose CPU time and memory count, descendants
	// included that are no helpers.
	Processes []int
	// Helpers are processes that work for it and belong to the round, but not
	// to the program: an upstream, a database.
	Helpers []int
	// Run does the work of one round.
	Run func(ctx context.Context, duration time.Duration) (Answers, error)
}

// Rounds says how a comparison runs.
type Rounds struct {
	// Count is how many undisturbed rounds each contender gets; zero means 3.
	Count int
	// Duration of one round; zero means two seconds.
	Duration time.Duration
	// Others is the share of one core that processes outside a round may take
	// during it; zero means 0.05.
	Others float64
	// Repeats is how many disturbed rounds of one contender are repeated; then
	// they count, and the result says so. Zero means 3.
	Repeats int
}

// Round is one measurement of one contender.
type Round struct {
	Answers
	// CPU is what its processes used.
	CPU time.Duration
	// Helpers is what its helpers used.
	Helpers time.Duration
	// Others is the share of one core that everybody else took.
	Others float64
	// RSS is the memory that its processes had at the end, in bytes.
	RSS int64
}

// PerSecond is how many requests were answered in a second.
func (r Round) PerSecond() float64 {
	return float64(r.Requests) / max(r.Elapsed, 1).Seconds()
}

// PerRequest is the CPU time of one request.
func (r Round) PerRequest() time.Duration {
	return r.CPU / time.Duration(max(r.Requests, 1))
}

// Result is all rounds of one contender.
type Result struct {
	Name   string
	Rounds []Round
	// Disturbed is how many of Rounds were, see Rounds.Others.
	Disturbed int
	// Repeated is how many more were thrown away.
	Repeated int
}

// Median of a figure over all rounds; of an even number the upper one of the two
// in the middle.
func Median[V cmp.Ordered](r Result, figure func(Round) V) V {
	values := make([]V, len(r.Rounds))
	for i, round := range r.Rounds {
		values[i] = figure(round)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Compare measures contenders in turns, after a short round each that does not
// count. A contender whose round fails ends the comparison.
func Compare(ctx context.Context, rounds Rounds, contenders ...Contender) ([]Result, error) {
	rounds = rounds.withDefaults()
	results := make([]Result, len(contenders))
	for i, contender := range contenders {
		results[i].Name = contender.Name
		if _, err := contender.Run(ctx, rounds.Duration/4); err != nil {
			return nil, fmt.Errorf("%s: %w", contender.Name, err)
		}
	}
	for range rounds.Count {
		for i, contender := range contenders {
			if err := results[i].measure(ctx, rounds, contender); err != nil {
				return nil, fmt.Errorf("%s: %w", contender.Name, err)
			}
		}
	}
	return results, nil
}

func (r Rounds) withDefaults() Rounds {
	if r.Count <= 0 {
		r.Count = 3
	}
	if r.Duration <= 0 {
		r.Duration = 2 * time.Second
	}
	if r.Others <= 0 {
		r.Others = 0.05
	}
	if r.Repeats <= 0 {
		r.Repeats = 3
	}
	return r
}

// measure adds one round to a result, repeating it while it is disturbed.
func (r *Result) measure(ctx context.Context, rounds Rounds, contender Contender) error {
	for {
		round, err := contender.round(ctx, rounds.Duration)
		if err != nil {
			return err
		}
		disturbed := round.Others > rounds.Others
		if disturbed && r.Repeated < rounds.Repeats {
			r.Repeated++
			continue
		}
		r.Rounds = append(r.Rounds, round)
		if disturbed {
			r.Disturbed++
		}
		return nil
	}
}

func (c Contender) round(ctx context.Context, duration time.Duration) (Round, error) {
	own, helpers := trees(c.Processes, c.Helpers...), trees(c.Helpers)
	all, us := busy(), CPU(os.Getpid())
	usedOwn, usedHelpers, start := CPU(own...), CPU(helpers...), time.Now()
	answers, err := c.Run(ctx, duration)
	if err != nil {
		return Round{}, err
	}
	round := Round{Answers: answers, CPU: CPU(own...) - usedOwn, Helpers: CPU(helpers...) - usedHelpers, RSS: RSS(own...)}
	others := busy() - all - (CPU(os.Getpid()) - us) - round.CPU - round.Helpers
	round.Others = max(0, others.Seconds()/time.Since(start).Seconds())
	return round, nil
}

func trees(pids []int, except ...int) []int {
	var all []int
	for _, pid := range pids {
		all = append(all, Tree(pid, except...)...)
	}
	return all
}
